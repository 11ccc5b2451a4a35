FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 GUNICORN_CMD_ARGS="--workers=2 --threads=4"
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt
COPY . .
RUN useradd --system --no-create-home vibomat
USER vibomat
EXPOSE 8000
CMD ["gunicorn", "vibomat.wsgi", "--bind", "0.0.0.0:8000"]
