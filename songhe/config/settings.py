"""Django settings of one Songhe. What differs between installations comes from the environment or ``var/``."""

import os

import pghistory

from songhe.config.database import django_database
from songhe.config.paths import FILES, ROOT, VENDOR
from songhe.config.secret_key import secret_key

DEBUG = os.environ.get("SONGHE_DEBUG") == "1"
SECRET_KEY = secret_key()
ALLOWED_HOSTS = os.environ.get("SONGHE_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("SONGHE_ORIGINS", "").split(",") if origin]

# Floors from the ground up: a room may use those above it in this list, never those below.
ROOMS = [
    "songhe.core.scope",
    "songhe.core.calendar",
    "songhe.core.parameters",
    "songhe.core.events",
    "songhe.core.areas",
    "songhe.core.crypto",
    "songhe.core.accounts",
    "songhe.core.journal",
    "songhe.core.files",
    "songhe.core.flow",
    "songhe.core.ledger",
    "songhe.core.console",
    "songhe.registers.elders",
    "songhe.registers.providers",
    "songhe.registers.workforce",
    "songhe.registers.facilities",
    "songhe.registers.catalogue",
    "songhe.registers.funds",
    "songhe.registers.contracts",
    "songhe.registers.exchange",
    "songhe.rights.assessment",
    "songhe.rights.policy",
    "songhe.rights.careplans",
    "songhe.care.outreach",
    "songhe.care.orders",
    "songhe.care.visits",
    "songhe.care.dispatch",
    "songhe.money.settlement",
    "songhe.money.payments",
    "songhe.oversight.indicators",
    "songhe.faces.console",
    "songhe.faces.hotline",
    "songhe.faces.field",
    "songhe.faces.family",
    "songhe.faces.screen",
    "songhe.faces.caremap",
    "songhe.faces.api",
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "template_partials",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
    *ROOMS,
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "songhe.faces.api.middleware.KeyMiddleware",
    "songhe.core.console.middleware.PageMiddleware",
]

ROOT_URLCONF = "songhe.config.urls"
WSGI_APPLICATION = "songhe.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "songhe" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "songhe.core.console.context.page_frame",
            ],
            "builtins": ["songhe.core.console.templatetags.songhe"],
        },
    }
]

DATABASES = {"default": django_database(owner=os.environ.get("SONGHE_AS") == "owner")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "songhe.core.accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = False
ACCOUNT_PREVENT_ENUMERATION = True
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "松鹤"
MFA_ADAPTER = "songhe.core.accounts.adapter.MFAAdapter"
# A demonstration signs people in with one click; a real region asks its staff for a second factor.
STAFF_SECOND_FACTOR = os.environ.get("SONGHE_DEMO") != "1"
DEMO = os.environ.get("SONGHE_DEMO") == "1"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = ["username"]
# Offices share one address, so a lock by address would lock out a whole street; the account is locked instead.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "accounts/locked.html"

SESSION_COOKIE_AGE = 8 * 3600
SESSION_IDLE_SECONDS = int(os.environ.get("SONGHE_IDLE_SECONDS", "1800"))
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_COOKIES = os.environ.get("SONGHE_HTTPS") == "1"
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
CSRF_FAILURE_VIEW = "songhe.core.console.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "songhe" / "static"]
STATIC_ROOT = ROOT / "var" / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
VENDOR_DIR = VENDOR
FILES_ROOT = FILES
DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# From so many carers on, a day is planned region by region.
WIDE_DAY_CARERS = int(os.environ.get("SONGHE_WIDE_DAY_CARERS", "128"))

# Lists of more rows than this are exported in the background, and kept for so many hours for whoever asked.
EXPORT_AT_ONCE_ROWS = int(os.environ.get("SONGHE_EXPORT_AT_ONCE_ROWS", "2000"))
EXPORT_KEPT_HOURS = int(os.environ.get("SONGHE_EXPORT_KEPT_HOURS", "24"))

# So many requests of other systems are answered for one key, or one person, by one server process.
API_RATE = os.environ.get("SONGHE_API_RATE", "600/min")

FORM_RENDERER = "songhe.core.console.widgets.Renderer"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "console/table.html"

PGHISTORY_BASE_MODEL = "songhe.core.journal.base.Event"
PGHISTORY_APPEND_ONLY = True
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
PGHISTORY_CREATED_AT_FUNCTION = "CLOCK_TIMESTAMP()"
PGTRIGGER_MIGRATIONS = True

PROCRASTINATE_IMPORT_PATHS: list[str] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("SONGHE_LOG", "WARNING")},
    "loggers": {"axes": {"level": "ERROR"}},
}
