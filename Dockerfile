# The front-end libraries, exactly as the lock file pins them.
FROM node:20-slim AS npm
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim AS app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data STATIC_ROOT=/app/static HOST=0.0.0.0
WORKDIR /app
RUN useradd --create-home --uid 10001 trade && mkdir /data && chown trade /data
COPY requirements/prod.txt requirements/
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements/prod.txt
COPY --from=npm /app/node_modules node_modules
COPY . .
# Static files need no database and no secret of the installation.
RUN SECRET_KEY=build FIELD_ENCRYPTION_KEYS=YnVpbGQtb25seS1rZXktYnVpbGQtb25seS1rZXktMDE= DATABASE_URL=postgresql://build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput -v0
USER trade
VOLUME /data
EXPOSE 8000
CMD ["python", "manage.py", "web"]
