"""All settings of Tenlyr, in one file, from the environment only."""

from typing import Any
from urllib.parse import SplitResult, unquote

from tenlyr import env
from tenlyr.core import secrets

env.load_running()

BASE_DIR = env.BASE_DIR
HOME = env.home()
DEBUG = env.flag("TENLYR_DEBUG")
SECRET_KEY = env.text(
    "TENLYR_SECRET_KEY", "unset: only commands that touch no data run without a key"
)
ALLOWED_HOSTS = env.words("TENLYR_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
TRUSTED_PROXIES = env.words("TENLYR_TRUSTED_PROXIES")
PORT = env.integer("PORT", 8000, least=1, most=65535)

# ---- Applications: SHARED_APPS live in `public`, TENANT_APPS in every Location's schema.
SHARED_APPS = [
    "django_tenants",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenlyr.core",
    "tenlyr.runtime",
    "apps.isolation",
    "apps.workspaces",
    "apps.tenants",
    "apps.dataplane",
    "apps.metering",
    "apps.health",
    "apps.webhooks",
    "apps.audit",
    "apps.dashboard",
    "apps.prover",
]
TENANT_APPS = ["apps.metering.store"]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

# ---- Postgres: three roles, of which the web and the workers hold only two.
SHARED_SCHEMA = "tenlyr_shared"
ROLE_OWNER, ROLE_APP, ROLE_FLEET = "tenlyr_owner", "tenlyr_app", "tenlyr_fleet"
DATABASE_URL = env.url("DATABASE_URL", {"postgres": 5432, "postgresql": 5432})
DATABASE_POOL_URL = env.url("DATABASE_POOL_URL", {"postgres": 5432, "postgresql": 5432})
DB_POOL = env.integer("TENLYR_DB_POOL", 0, most=100)


def role_password(role: str) -> str:
    """The password of a role of ours: derived, so that no second secret must be kept."""
    return secrets.derive(SECRET_KEY, f"postgres role {role}").hex()


def database(parts: SplitResult | None, user: str, password: str, **more: Any) -> dict[str, Any]:
    return {
        "HOST": parts.hostname if parts else "",
        "PORT": str((parts.port if parts else None) or 5432),
        "NAME": unquote(parts.path.lstrip("/")) if parts else "tenlyr",
        "USER": user,
        "PASSWORD": password,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "ATOMIC_REQUESTS": False,
        **more,
    }


def pooled(role: str, share: int, *, is_checked: bool = False) -> dict[str, Any]:
    """A role that works through the transaction pooler; `share` caps this process's connections.
    With `is_checked` each is tried, a round trip, before it is used.
    """
    options: dict[str, Any] = {"connect_timeout": 5, "application_name": "tenlyr"}
    if share:
        options["pool"] = {"min_size": 1, "max_size": share, "timeout": 5, "max_idle": 300}
    return database(
        DATABASE_POOL_URL or DATABASE_URL,
        role,
        role_password(role),
        ENGINE="apps.isolation.backend",
        OPTIONS=options,
        CONN_MAX_AGE=0 if share else 60,
        CONN_HEALTH_CHECKS=is_checked or not share,
    )


FLEET_SHARE = 2 if DB_POOL else 0
DATABASES = {
    "default": pooled(ROLE_APP, max(DB_POOL - FLEET_SHARE, 1) if DB_POOL else 0),
    # Idle until something is away: what lies there may be older than Postgres' last start.
    "fleet": pooled(ROLE_FLEET, FLEET_SHARE, is_checked=True),
    "owner": database(
        DATABASE_URL,
        unquote((DATABASE_URL.username if DATABASE_URL else "") or ""),
        env.password_of(DATABASE_URL) if DATABASE_URL else "",
        ENGINE="django_tenants.postgresql_backend",
        OPTIONS={"connect_timeout": 5, "options": f"-c role={ROLE_OWNER}"},
    ),
}
DATABASE_ROUTERS = ["apps.isolation.router.TenancyRouter"]
TENANT_SYNC_ROUTER = DATABASE_ROUTERS[0]
TENANT_MODEL = "isolation.Location"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Bounds of one request's work in Postgres (R18), set on the roles at set-up.
STATEMENT_TIMEOUT_MS = env.integer("TENLYR_STATEMENT_TIMEOUT_MS", 5_000, least=100)
LOCK_TIMEOUT_MS = env.integer("TENLYR_LOCK_TIMEOUT_MS", 2_000, least=100)

# ---- Databases of tenants' own (dedicated_database)
DATABASE_DRIVER = env.text("TENLYR_DATABASE_DRIVER", "database")
DATABASE_HOOK = env.text("TENLYR_DATABASE_HOOK")
DATABASE_HOOK_SECRET = env.text("TENLYR_DATABASE_HOOK_SECRET")
DATABASE_HOOK_TIMEOUT_S = env.integer("TENLYR_DATABASE_HOOK_TIMEOUT_S", 300, least=1, most=3600)
# To how many of them a process keeps idle connections.
DEDICATED_POOLS = env.integer("TENLYR_DEDICATED_POOLS", 50, least=1, most=1000)

# ---- Redis: counters, streams, key cache and Celery's broker.
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
REDIS_TIMEOUT_S = env.integer("TENLYR_REDIS_TIMEOUT_MS", 1_000, least=50) / 1000

# ---- Provisioning (F2): schemas that a process builds at once, 0 for half as many as there are
# cores; schemas that are kept ready.
SCHEMA_BUILDERS = env.integer("TENLYR_SCHEMA_BUILDERS", 0, most=20)
WARM_SCHEMAS = env.integer("TENLYR_WARM_SCHEMAS", 64, most=1_000)

# ---- Moves: days for which a tenant's old place is kept, and a move can be rolled back.
MOVE_GRACE_DAYS = env.integer("TENLYR_MOVE_GRACE_DAYS", 7, most=365)

# ---- Metering
USAGE_RETENTION_MONTHS = env.integer("TENLYR_USAGE_RETENTION_MONTHS", 13, least=2, most=240)
MINUTE_RETENTION_MONTHS = env.integer("TENLYR_MINUTE_RETENTION_MONTHS", 2, least=2, most=240)

# ---- Health: how often the fleet is looked at, over how long a window; the history's length.
HEALTH_PERIOD_S = env.integer("TENLYR_HEALTH_PERIOD_S", 60, least=1, most=3600)
HEALTH_WINDOW_S = env.integer("TENLYR_HEALTH_WINDOW_S", 300, least=1, most=86_400)
HEALTH_RETENTION_MONTHS = env.integer("TENLYR_HEALTH_RETENTION_MONTHS", 13, least=1, most=240)

# ---- Alerts: how often their worker makes its round; minutes until an open one is told again.
ALERT_PERIOD_S = env.integer("TENLYR_ALERT_PERIOD_S", 300, least=1, most=3600)
ALERT_REMINDER_MINUTES = env.integer("TENLYR_ALERT_REMINDER_MINUTES", 0, most=43_200)

# ---- E-mail: by an address of a mail server, or by any backend of Django's with its own settings.
MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
EMAIL_URL = env.url("TENLYR_EMAIL_URL", MAIL_PORTS)
EMAIL_BACKEND = env.text("TENLYR_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
if EMAIL_URL:
    EMAIL_HOST, EMAIL_PORT = EMAIL_URL.hostname, EMAIL_URL.port or MAIL_PORTS[EMAIL_URL.scheme]
    EMAIL_HOST_USER = unquote(EMAIL_URL.username or "")
    EMAIL_HOST_PASSWORD = env.password_of(EMAIL_URL)
    EMAIL_USE_TLS = EMAIL_URL.scheme == "smtp+starttls"
    EMAIL_USE_SSL = EMAIL_URL.scheme == "smtps"
EMAIL_TIMEOUT = 10
EMAIL_CONFIGURED = bool(EMAIL_URL or env.text("TENLYR_EMAIL_BACKEND"))
DEFAULT_FROM_EMAIL = env.text("TENLYR_EMAIL_FROM", "Tenlyr <tenlyr@localhost>")

# ---- Webhooks: how long the log of deliveries is kept; processes that send at the same time.
WEBHOOK_RETENTION_MONTHS = env.integer("TENLYR_WEBHOOK_RETENTION_MONTHS", 3, least=1, most=240)
WEBHOOK_PUMPS = env.integer("TENLYR_WEBHOOK_PUMPS", 1, least=1, most=64)

# ---- Proofs: dedicated Locations that each attacks at most; of the others it reads the catalogue.
PROOF_LOCATIONS = env.integer("TENLYR_PROOF_LOCATIONS", 20, most=10_000)

# ---- Data plane: connections that one credential of a tenant may have; the address shown to it.
TENANT_CONNECTIONS = env.integer("TENLYR_TENANT_CONNECTIONS", 20, least=1, most=1_000)
DATAPLANE_URL = env.url("TENLYR_DATAPLANE_URL", {"postgres": 5432, "postgresql": 5432})

# ---- Requests that leave, to URLs that customers gave (webhooks, channels of alerts)
EGRESS_ALLOW_LOOPBACK = env.flag("TENLYR_EGRESS_ALLOW_LOOPBACK")
EGRESS_ALLOW = env.networks("TENLYR_EGRESS_ALLOW")
EGRESS_PORTS = env.ports("TENLYR_EGRESS_PORTS", "443,8443")

# ---- HTTP
ROOT_URLCONF = "tenlyr.urls"
WSGI_APPLICATION = "tenlyr.wsgi.application"
# Threads of a web process for all but tracking, which needs none.
WEB_THREADS = env.integer("TENLYR_WEB_THREADS", 8, least=1, most=256)
# Calls a minute of one key to the management API (X41), 0 for any number.
API_RPM = env.integer("TENLYR_API_RPM", 600)
APPEND_SLASH = False
BODY_LIMIT_BYTES = 1_048_576
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT_BYTES
USE_X_FORWARDED_HOST = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("TENLYR_HTTPS")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
MIDDLEWARE = [
    "tenlyr.core.api.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenlyr.core.api.middleware.BrowserOnly",
]
# Sessions, CSRF and messages serve people (admin, dashboard); the API does not pay for them.
BROWSER_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
            ]
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = None  # served from the packages they come with
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

AUTH_USER_MODEL = "workspaces.Operator"
# Argon2id at OWASP's minimum: Django's default of 100 MiB costs a quarter of a second a login.
PASSWORD_HASHERS = ["apps.workspaces.passwords.OperatorPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE, TIME_ZONE, USE_I18N, USE_TZ = "en", "UTC", False, True

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenlyr.core.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenlyr.core.api.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["tenlyr.core.api.wire.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenlyr.core.api.parser.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "tenlyr.core.api.schema.TenlyrSchema",
    "EXCEPTION_HANDLER": "tenlyr.core.api.handler.handle",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tenlyr.core.api.wire.AlwaysJSON",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]  # see BROWSER_MIDDLEWARE
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Tenlyr API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Provision, isolate, meter, monitor and bill tenants. What a key calls, but for"
    " `/usage/*`, counts towards its calls a minute: `RateLimit-Limit`, `RateLimit-Remaining` and"
    " `RateLimit-Reset` (seconds) tell of it in every answer, `Retry-After` beyond it.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SORT_OPERATIONS": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,  # a PATCH body's own serializer says what may be left out
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "POSTPROCESSING_HOOKS": [
        "tenlyr.core.api.schema.camelize",
    ],
    "SECURITY": [{"bearer": []}, {"apiKey": []}],
}

# ---- Celery carries ids only; Postgres rows decide (R8).
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# What must be prompt has workers of its own: a move takes as long as it takes.
CELERY_TASK_ROUTES = {"webhooks.*": {"queue": "prompt"}, "health.*": {"queue": "prompt"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 10,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LOG_FORMAT = env.text("TENLYR_LOG_FORMAT", "console")
LOGGING_CONFIG = "tenlyr.core.logs.configure"
LOGGING: dict[str, Any] = {"format": LOG_FORMAT, "level": env.text("TENLYR_LOG_LEVEL", "INFO")}
