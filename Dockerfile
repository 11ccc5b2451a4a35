# Vibomat (the last stage), and PgBouncer for it (--target pgbouncer).

# Python 3.13.15 on Debian 13.
FROM python:3.13.15-slim-trixie AS base
RUN useradd --system --uid 10001 --no-create-home --home-dir /tmp vibomat


FROM base AS pgbouncer
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/*
COPY docker/pgbouncer/pgbouncer.ini /etc/pgbouncer/pgbouncer.ini
COPY docker/pgbouncer/start /usr/local/bin/start
USER 10001
EXPOSE 6432
CMD ["start"]


FROM base AS libraries
WORKDIR /build
COPY requirements.txt .
# What the application needs, in the versions that all of the file says.
RUN sed '/^# Tests and checks/,$d' requirements.txt > application.txt \
    && python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --constraint requirements.txt --requirement application.txt


FROM base
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp \
    DEBUG=false PORT=8000 GUNICORN_CMD_ARGS="--workers=2 --threads=2"
WORKDIR /app
COPY --from=libraries /venv /venv
COPY . .
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["python", "-m", "vibomat.healthcheck"]
CMD ["gunicorn"]
