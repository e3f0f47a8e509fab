"""Settings. Everything that differs between installations comes from the environment (see README, Settings)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab

from brokers.simulators import SIMULATED
from tradeproject import env
from tradeproject.admin_menu import UNFOLD  # noqa: F401 - how the admin looks
from tradeproject.common import logging as masked_logging
from tradeproject.runtime import load_runtime_environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = load_runtime_environment(BASE_DIR)

# --- core ---------------------------------------------------------------------------------------------------------

PRODUCT_NAME = "Tradewarden"
DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.required("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = env.sealing_keys("FIELD_ENCRYPTION_KEYS")
SITE_URL = env.url("SITE_URL", "http://127.0.0.1:8000")
SITE_IS_HTTPS = SITE_URL.startswith("https://")
SITE_HOST = urlsplit(SITE_URL).hostname or "127.0.0.1"
ALLOWED_HOSTS = env.csv("ALLOWED_HOSTS", f"{SITE_HOST},localhost,127.0.0.1")
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, maximum=10)
METRICS_TOKEN = env.text("METRICS_TOKEN")
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = masked_logging.config(LOG_LEVEL, json_lines=env.boolean("LOG_JSON", False))

INSTALLED_APPS = [
    "tradeproject.common",
    "accounts",
    "brokers",
    "strategies",
    "recorder",
    "notifications",
    "dashboard",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.headless",
    "allauth.usersessions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tradeproject.middleware.PolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.TimezoneMiddleware",
    "tradeproject.middleware.StorableMiddleware",
]

ROOT_URLCONF = "tradeproject.urls"
ASGI_APPLICATION = "tradeproject.asgi.application"
APPEND_SLASH = False  # the contract makes the trailing slash optional; a redirect would drop a POST's body

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.page",
            ],
        },
    }
]

# --- PostgreSQL: the truth ------------------------------------------------------------------------------------------

DATABASE_URL = env.required("DATABASE_URL")
_database = env.database("DATABASE_URL")
_database["OPTIONS"] = {
    **_database.get("OPTIONS", {}),
    "pool": {"min_size": 1, "max_size": env.integer("DB_POOL_SIZE", 12, minimum=2), "timeout": 5},
    # Nobody holds a lock or a transaction for long: every broker call happens outside of one.
    "options": "-c jit=off -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s",
}
_database["CONN_MAX_AGE"] = 0  # the pool keeps the connections
_database["CONN_HEALTH_CHECKS"] = True
_database["TEST"] = {"NAME": env.text("TEST_DATABASE_NAME", "") or None}
DATABASES: dict[str, Any] = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: wake-ups, quotes, channels, cache; losing all of it costs latency only -----------------------------------

env.required("REDIS_URL")
REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss"))
# Publish/subscribe names are not scoped by Redis' database number, so two installations must not share a prefix.
REDIS_PREFIX = (
    "tas"
    + hashlib.sha256(
        f"{DATABASE_URL}{env.text('REDIS_PREFIX')}{env.text('PYTEST_XDIST_WORKER')}".encode()
    ).hexdigest()[:8]
)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py's own five-second timeout would cut idle subscribers.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": REDIS_PREFIX},
    }
}
CACHES = {
    "default": {
        "BACKEND": "tradeproject.cache.TolerantRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
        "TIMEOUT": 300,
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Celery: wake-up hints and periodic work; rows decide, so no result backend ----------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:",
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "socket_timeout": 20,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_POOL_LIMIT = 10
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_DEFAULT_QUEUE = "background"
CELERY_TASK_ROUTES = {"strategies.tasks.execute_signal": {"queue": "execution"}}
CELERY_TIMEZONE = "UTC"

# --- people -----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/user/dashboard"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if env.text("EMAIL_HOST") else "optional"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SITE_IS_HTTPS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a found session must not be enough to take over the e-mail address
ACCOUNT_EMAIL_NOTIFICATIONS = bool(env.text("EMAIL_HOST"))
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{PRODUCT_NAME}] "
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,100/h/ip,10/15m/key"}
SIGNUP_OPEN = env.boolean("SIGNUP_OPEN", True)
SOCIALACCOUNT_STORE_TOKENS = False
USERSESSIONS_TRACK_ACTIVITY = False
MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SITE_IS_HTTPS
MFA_TOTP_ISSUER = SITE_HOST
MFA_TOTP_TOLERANCE = 1  # one step of clock drift; each code still works once (accounts.second_factor)
MFA_ALLOW_UNVERIFIED_EMAIL = True  # without a mail server nobody could turn a second factor on
HEADLESS_ENABLED = True
HEADLESS_ONLY = False
HEADLESS_CLIENTS = ["app"]
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_PRIVATE_KEY = hashlib.sha256(f"jwt/{SECRET_KEY}".encode()).hexdigest()
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 600
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 86_400
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
HEADLESS_JWT_ROTATE_REFRESH_TOKEN = True
# Links in mails come from here, never from the Host header of whoever asked for the mail.
HEADLESS_FRONTEND_URLS = {
    "account_confirm_email": f"{SITE_URL}/accounts/confirm-email/{{key}}/",
    "account_reset_password": f"{SITE_URL}/accounts/password/reset/",
    "account_reset_password_from_key": f"{SITE_URL}/accounts/password/reset/key/{{key}}/",
    "account_signup": f"{SITE_URL}/accounts/signup/",
}

EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, minimum=1, maximum=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 10
# Without a mail server mails are put down as files for the operator (never into a log: they carry reset links), and nobody is
# kept out for want of a confirmation.
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'filebased'}.EmailBackend"
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"no-reply@{SITE_HOST}")

# --- cookies, headers ---------------------------------------------------------------------------------------------------

SESSION_COOKIE_NAME = "__Host-session" if SITE_IS_HTTPS else "session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_NAME = "__Host-csrftoken" if SITE_IS_HTTPS else "csrftoken"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
SECURE_SSL_REDIRECT = SITE_IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health", r"^webhook"]  # a redirect would drop an alert's body
SECURE_HSTS_SECONDS = 31_536_000 if SITE_IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SITE_IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- pages ----------------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = (
    [BASE_DIR / "dashboard" / "static_src"] if (BASE_DIR / "dashboard" / "static_src").exists() else []
)
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "tradeproject.staticfiles.NpmFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tradeproject.staticfiles.ManifestStorage"},
}
WHITENOISE_MANIFEST_STRICT = False

# --- HTTP API ---------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.ApiKeyAuthentication",
        "accounts.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.permissions.ScopeAllows",
    ],
    "DEFAULT_PARSER_CLASSES": ["tradeproject.common.api.CarefulJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "tradeproject.common.api.Pagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["tradeproject.common.api.UserThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.rate("API_RATE_PER_USER", "1200/min"), "login": "30/min"},
    "EXCEPTION_HANDLER": "tradeproject.common.api.error_response",
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": TRUSTED_PROXY_COUNT,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{PRODUCT_NAME} API",
    "DESCRIPTION": "Strategies, signals, orders, positions and the record of what really happened.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["tradeproject.common.api.only_versioned_paths"],
    "ENUM_NAME_OVERRIDES": {
        "ConnectionState": "brokers.models.BrokerConnection.State",
        "BrokerAccountState": "brokers.models.BrokerAccount.State",
        "SwitchState": "strategies.models.ControlState.State",
        "SyncState": "strategies.drift_api.SYNC",
        "OrderStatus": "strategies.serializers.ORDER_STATUSES",
        "OrderSide": "strategies.serializers.SIDES",
        "RecordedSide": "recorder.serializers.SIDES",
        "SignalStatus": "strategies.models.Signal.Status",
        "RecordedPositionStatus": "recorder.models.RecordedPosition.Status",
    },
}


# --- execution ---------------------------------------------------------------------------------------------------------------

BATCH_SIZE = env.integer("BATCH_SIZE", 25, minimum=1, maximum=1000)
BATCH_DELAY_SECONDS = float(env.decimal("BATCH_DELAY_SECONDS", "0"))
MAX_CONCURRENT_CONNECTIONS = env.integer("MAX_CONCURRENT_CONNECTIONS", 1000, minimum=1)
API_CALLS_PER_MINUTE_LIMIT = env.integer("API_CALLS_PER_MINUTE_LIMIT", 70, minimum=1)
API_CALLS_PER_HOUR_LIMIT = env.integer("API_CALLS_PER_HOUR_LIMIT", 4500, minimum=1)
SIGNAL_MAX_AGE_SECONDS = env.integer("SIGNAL_MAX_AGE_SECONDS", 120, minimum=5, maximum=86_400)
# A guard against loops, far above what any chart sends: beyond it entries of that strategy are stored and not carried out.
WEBHOOK_ALERTS_PER_MINUTE = env.integer("WEBHOOK_ALERTS_PER_MINUTE", 12_000, minimum=1)
EXECUTION_SHARDS = env.integer("EXECUTION_SHARDS", 1, minimum=1, maximum=64)
TOKEN_REFRESH_INTERVAL = env.integer("TOKEN_REFRESH_INTERVAL", 300, minimum=5)
TOKEN_REFRESH_THRESHOLD = env.integer("TOKEN_REFRESH_THRESHOLD", 30, minimum=1) * 60
POSITION_POLL_SECONDS = env.integer("POSITION_POLL_SECONDS", 30, minimum=1)

# --- chaos tests only: where a process dies (tradeproject/common/crashpoints.py). Never where a real broker can be reached. ----

env.chaos("CRASH_POINT", DATA_DIR, [name for names in SIMULATED.values() for name in names])

# --- the clock: what beat says is due. A message that finds nobody expires before its successor comes. ----------------

CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": max(1.0, seconds * 0.9)}}
    for name, task, seconds in (
        ("heartbeat", "tradeproject.common.tasks.heartbeat", 10.0),
        ("poll connections", "recorder.poll_connections", min(5.0, float(POSITION_POLL_SECONDS))),
        ("check drift", "strategies.check_drift", 3.0),
        ("drain reports", "recorder.drain_reports", 10.0),
        ("refresh tokens", "brokers.tasks.refresh_tokens", float(TOKEN_REFRESH_INTERVAL)),
        ("roll contracts", "brokers.tasks.roll_contracts", 1800.0),
        ("watch risk", "strategies.tasks.watch_risk", 5.0),
        ("equity points", "recorder.record_equity_points", 60.0),
        ("compare with venues", "recorder.compare_with_venues", 60.0),
        ("prune", "recorder.prune", 3600.0),
        ("purge sessions", "accounts.tasks.purge_expired", 3600.0),
    )
}
CELERY_BEAT_SCHEDULE["compare all with venues"] = {
    "task": "recorder.compare_with_venues",
    "schedule": crontab(hour=22, minute=30),  # after the futures day has ended in Chicago
    "kwargs": {"everything": True},
}
