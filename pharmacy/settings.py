"""What the environment and `.env` say: one field per variable, checked once at start."""

import difflib
import ipaddress
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from pharmacy.domain.budget import Budgets, Cap, Rate
from pharmacy.domain.errors import ConfigError
from pharmacy.domain.profile import Profile

CHECKOUT = Path(__file__).resolve().parents[1]
OWN_PREFIX = "KAKARI_"
UNLIMITED = "unlimited"


def _not_blank(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("is blank; give it a value or leave the variable out")
    return secret


def _safe_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no address of the form https://host/path")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ValueError("would send words and keys unencrypted; use https, or http to this machine itself")
    return address.rstrip("/")


def _trace_address(address: str) -> str:
    if address.count("{run_id}") != 1 or "{run_id}" not in urlsplit(address).path:
        raise ValueError("has no {run_id} in its path; expected https://host/…/r/{run_id}")
    return _safe_address(address)


def _mail_server(address: SecretStr) -> SecretStr:
    # Its words are not repeated: they hold a password.
    parts = urlsplit(address.get_secret_value())
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname:
        raise ValueError("is no address of the form smtps://user:password@host:465")
    if parts.scheme == "smtp" and not _is_this_machine(parts.hostname):
        raise ValueError("would send keys unencrypted; use smtps or smtp+starttls, or smtp to this machine itself")
    return address


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _networks(told: str) -> str:
    for network in filter(None, (part.strip() for part in told.split(","))):
        ipaddress.ip_network(network, strict=False)
    return told


def _bound(told: object) -> int | None:
    if told == UNLIMITED or told is None:
        return None
    number = int(told) if isinstance(told, int) or (isinstance(told, str) and told.isdecimal()) else 0
    # 0 could be meant as "nothing" or as "no end": neither is guessed.
    if not 0 < number < 10**15:
        raise ValueError(f"expected a whole number above 0, or {UNLIMITED!r}")
    return number


def _rate(told: str) -> str:
    Rate.read(told)
    return told


Bound = Annotated[int | None, BeforeValidator(_bound)]
Secret = Annotated[SecretStr, AfterValidator(_not_blank)]
Address = Annotated[str, AfterValidator(_safe_address)]
TraceAddress = Annotated[str, AfterValidator(_trace_address)]
Networks = Annotated[str, AfterValidator(_networks)]


MailServer = Annotated[SecretStr, AfterValidator(_mail_server)]
_MAIL = r"[^\s,@<>]+@[^\s,@<>]+"
_MAIL_OR_NOTHING = rf"^({_MAIL})?$"
_MAILS = rf"^({_MAIL}(\s*,\s*{_MAIL})*)?$"


class Settings(BaseModel):
    """Every variable Kakari reads; its name in the environment is the alias.

    Made by `read_settings`; made by hand it holds the shipped values and reads no environment.
    """

    model_config = ConfigDict(
        populate_by_name=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    database_url: Secret | None = Field(None, alias="DATABASE_URL")
    """PostgreSQL 15 or newer: postgresql://user:password@host:5432/name. Unset: Kakari runs its own in KAKARI_HOME."""

    home: Path = Field(Path(".kakari"), alias="KAKARI_HOME")
    """The folder that holds all local state: its own database, its password, the lock of `kakari serve`."""

    host: str = Field("127.0.0.1", alias="HOST", min_length=1)
    """The address `kakari serve` listens on."""

    port: int = Field(8000, alias="PORT", ge=0, le=65535)
    """The port `kakari serve` listens on; 0 takes a free one."""

    openai_api_key: Secret | None = Field(None, alias="OPENAI_API_KEY")
    """Key of the teacher models. Unset: every node runs on local models."""

    openai_base_url: Address | None = Field(None, alias="OPENAI_BASE_URL")
    """Another OpenAI-compatible endpoint: https, or http to this machine itself."""

    models: Literal["auto", "openai", "local"] = Field("auto", alias="KAKARI_MODELS")
    """auto: openai when OPENAI_API_KEY is set, else local. openai and local insist."""

    patient_tokens: Bound = Field(1_000_000, alias="KAKARI_BUDGET_PATIENT_TOKENS")
    """Tokens that one patient's messages may cost a provider per day in Japan; then people answer. Or `unlimited`."""

    patient_yen: Bound = Field(1_000, alias="KAKARI_BUDGET_PATIENT_YEN")
    """The same in yen."""

    tokens: Bound = Field(50_000_000, alias="KAKARI_BUDGET_TOKENS")
    """Tokens that all messages of a pharmacy may cost per day together. Or `unlimited`."""

    yen: Bound = Field(20_000, alias="KAKARI_BUDGET_YEN")
    """The same in yen. A model whose price nobody knows counts at the dearest known price."""

    patient_month_yen: Bound = Field(10_000, alias="KAKARI_BUDGET_PATIENT_MONTH_YEN")
    """Yen that one patient's messages may cost per month in Japan. Or `unlimited`."""

    month_yen: Bound = Field(400_000, alias="KAKARI_BUDGET_MONTH_YEN")
    """Yen that all messages of a pharmacy may cost per month together. Or `unlimited`."""

    cheaper_from: float = Field(0.8, alias="KAKARI_BUDGET_CHEAPER_FROM", ge=0, le=1)
    """From which part of any budget on, 0 to 1, a node that names a `cheaper` model is asked there."""

    yen_per_usd: Annotated[str, AfterValidator(_rate)] = Field("160 on 2026-11-22", alias="KAKARI_YEN_PER_USD")
    """Yen per US dollar and the day it was stated. As shipped it is an assumption and no quotation: set your own."""

    pharmacist_yen: Annotated[str, AfterValidator(_rate)] = Field("200 on 2026-11-22", alias="KAKARI_PHARMACIST_YEN")
    """Yen that a message costs which a pharmacist answers by hand, and the day that was stated. As shipped it is an
    assumption (five minutes at 2,400 yen an hour) that figures are held against: set your own."""

    settle_seconds: float = Field(1.0, alias="KAKARI_SETTLE_SECONDS", ge=0, le=60)
    """How long a message waits for the next one of the same burst; 0 to 60."""

    profile: Profile = Field(Profile.THRIFTY, alias="KAKARI_PROFILE")
    """What an earlier answer may cost a pharmacy that chose nothing: thrifty (nothing more), quick or quickest."""

    shadow: Literal["live", "batch"] = Field("live", alias="KAKARI_SHADOW")
    """When students answer beside replies: `live` soon after each, `batch` when `kakari shadow NODE` is called."""

    concurrency: int = Field(64, alias="KAKARI_CONCURRENCY", ge=1, le=1000)
    """How many messages one worker has in work at once; 1 to 1000."""

    pool_size: int = Field(20, alias="KAKARI_POOL_SIZE", ge=2, le=200)
    """How many database connections one process holds at most for its own reads and writes; 2 to 200."""

    pharmacy_id: str = Field("default", alias="KAKARI_PHARMACY_ID", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """Which pharmacy this process serves: small letters, digits, - and _."""

    public_url: Address | None = Field(None, alias="KAKARI_PUBLIC_URL")
    """The address people open Kakari at. https makes cookies and browsers insist on it; links are made with it."""

    trusted_hosts: str = Field("", alias="KAKARI_TRUSTED_HOSTS")
    """Further host names that calls may name, between commas. This machine, HOST and KAKARI_PUBLIC_URL's are known."""

    trusted_proxies: Networks = Field("", alias="KAKARI_TRUSTED_PROXIES")
    """Addresses or networks of own reverse proxies, between commas: only they may say whom a call comes from."""

    session_idle_minutes: int = Field(15, alias="KAKARI_SESSION_IDLE_MINUTES", ge=1, le=720)
    """After how many minutes without a person's doing a session ends; 1 to 720. It ends after 12 hours anyway."""

    second_factor: Literal["when_set", "lead_admin"] = Field("when_set", alias="KAKARI_SECOND_FACTOR")
    """when_set: asked of whoever has set one. lead_admin: leads and admins can do nothing before they have."""

    oidc_issuer: Address | None = Field(None, alias="KAKARI_OIDC_ISSUER")
    """Sign-in through this OpenID Connect provider, exactly as it names itself; needs KAKARI_PUBLIC_URL."""

    oidc_client_id: str | None = Field(None, alias="KAKARI_OIDC_CLIENT_ID", min_length=1)
    """What the provider calls Kakari. There the redirect address is KAKARI_PUBLIC_URL/sign-in/provider/back."""

    oidc_client_secret: Secret | None = Field(None, alias="KAKARI_OIDC_CLIENT_SECRET")
    """The provider's secret for Kakari; unset for a public client."""

    oidc_roles: str = Field("", alias="KAKARI_OIDC_ROLES")
    """Who gets an account at the first sign-in: claim=value:role, between commas, the first that fits; as in
    groups=kakari-leads:lead. `domain=host:role` fits verified mail addresses. Unset: only accounts that exist."""

    allowed_contacts: str = Field("", alias="KAKARI_ALLOWED_CONTACTS")
    """The pharmacy's own web addresses, phone and mail, between commas: what a text to a patient may name."""

    delivery_url: Address | None = Field(None, alias="KAKARI_DELIVERY_URL")
    """Where replies of the `api` channel are posted, signed: https, or http to this machine itself."""

    delivery_secret: Secret | None = Field(None, alias="KAKARI_DELIVERY_SECRET")
    """Signs what is posted to KAKARI_DELIVERY_URL (HMAC-SHA256 of the raw body)."""

    alarm_url: Address | None = Field(None, alias="KAKARI_ALARM_URL")
    """Where alarms are posted, signed: https, or http to this machine itself. A console nobody has open is no alarm."""

    alarm_secret: Secret | None = Field(None, alias="KAKARI_ALARM_SECRET")
    """Signs what is posted to KAKARI_ALARM_URL and KAKARI_ALARM_ESCALATION_URL (HMAC-SHA256 of the raw body)."""

    alarm_escalation_url: Address | None = Field(None, alias="KAKARI_ALARM_ESCALATION_URL")
    """Where an alarm is posted too when nobody has acknowledged it in time."""

    smtp_url: MailServer | None = Field(None, alias="KAKARI_SMTP_URL")
    """The mail server for alarms: smtps://user:password@host:465, smtp+starttls://user:password@host:587, or smtp://
    to this machine itself."""

    alarm_mail_from: str = Field("", alias="KAKARI_ALARM_MAIL_FROM", pattern=_MAIL_OR_NOTHING)
    """The sender of alarm mails."""

    alarm_mail_to: str = Field("", alias="KAKARI_ALARM_MAIL_TO", pattern=_MAILS)
    """Who is written to about an alarm, between commas."""

    alarm_escalation_mail_to: str = Field("", alias="KAKARI_ALARM_ESCALATION_MAIL_TO", pattern=_MAILS)
    """Who is written to as well when nobody has acknowledged an alarm in time, between commas."""

    console_url: Address | None = Field(None, alias="KAKARI_CONSOLE_URL")
    """Where people reach the console; alarms link to it."""

    emergency_text: Literal["off", "on"] = Field("off", alias="KAKARI_EMERGENCY_TEXT")
    """on: a patient in an emergency is sent the approved fixed text of its kind at once."""

    handover_text: Literal["off", "on"] = Field("off", alias="KAKARI_HANDOVER_TEXT")
    """on: a patient whose conversation is given to a person is told so once, with the next opening out of hours."""

    line_channel_secret: Secret | None = Field(None, alias="LINE_CHANNEL_SECRET")
    """LINE channel secret, by which events are known to be LINE's; needs LINE_CHANNEL_ACCESS_TOKEN."""

    line_channel_access_token: Secret | None = Field(None, alias="LINE_CHANNEL_ACCESS_TOKEN")
    """LINE channel access token, which lets replies out; needs LINE_CHANNEL_SECRET."""

    line_bot_user_id: str | None = Field(None, alias="LINE_BOT_USER_ID", pattern=r"^U[0-9a-f]{32}$")
    """The bot's own user id; with it, an event that is addressed to another bot is refused."""

    line_api_base: Address | None = Field(None, alias="LINE_API_BASE")
    """Another address for LINE's API, for tests: it takes replies and gives pictures and files."""

    pharmacies_file: Path | None = Field(None, alias="KAKARI_PHARMACIES_FILE")
    """A TOML file with one table per further pharmacy that this process serves, naming its LINE secret and token."""

    langsmith_tracing: bool = Field(default=False, alias="LANGSMITH_TRACING")
    """true: each message becomes one redacted trace in LangSmith, each decision feedback; needs LANGSMITH_API_KEY."""

    langsmith_api_key: Secret | None = Field(None, alias="LANGSMITH_API_KEY")
    """Key for LangSmith: traces, feedback, `kakari annotations pull`, `kakari dataset push` and `pull`."""

    langsmith_endpoint: Address | None = Field(None, alias="LANGSMITH_ENDPOINT")
    """Another LangSmith address, such as the European one."""

    langsmith_project: str = Field("kakari", alias="LANGSMITH_PROJECT", min_length=1)
    """The LangSmith project that traces go to."""

    langsmith_workspace_id: str | None = Field(None, alias="LANGSMITH_WORKSPACE_ID")
    """The LangSmith workspace, where a key has several."""

    trace_url: TraceAddress | None = Field(None, alias="KAKARI_TRACE_URL")
    """A trace's page in LangSmith, as a browser shows it, with {run_id} for the run's id: the console leads there."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="LOG_LEVEL")
    """How much is logged."""

    log_json: bool = Field(default=False, alias="LOG_JSON")
    """true: one JSON object per log line."""

    models_file: Path = Field(CHECKOUT / "nodes" / "models.toml", alias="KAKARI_MODELS_FILE")
    """Which models may serve each node; another file than nodes/models.toml."""

    flow_file: Path = Field(CHECKOUT / "nodes" / "flow.toml", alias="KAKARI_FLOW_FILE")
    """Categories, phases and bars; another file than nodes/flow.toml."""

    annotation_file: Path = Field(CHECKOUT / "nodes" / "annotation.toml", alias="KAKARI_ANNOTATION_FILE")
    """Which runs people look at again in LangSmith; another file than nodes/annotation.toml."""

    policy_file: Path = Field(CHECKOUT / "nodes" / "policy.toml", alias="KAKARI_POLICY_FILE")
    """What may be sent automatically, and the first values; another file than nodes/policy.toml."""

    fixed_texts_file: Path = Field(CHECKOUT / "nodes" / "fixed_texts.toml", alias="KAKARI_FIXED_TEXTS_FILE")
    """The words that may go out without a draft; another file than nodes/fixed_texts.toml."""

    business_hours_file: Path = Field(CHECKOUT / "nodes" / "business_hours.toml", alias="KAKARI_BUSINESS_HOURS_FILE")
    """When a person is there; another file than nodes/business_hours.toml."""

    retention_file: Path = Field(CHECKOUT / "pharmacy" / "storage" / "retention.toml", alias="KAKARI_RETENTION_FILE")
    """How long each table's rows are kept; another file than pharmacy/storage/retention.toml."""

    prompts_folder: Path = Field(CHECKOUT / "prompts", alias="KAKARI_PROMPTS")
    """The prompts; another folder than prompts/."""

    plans_folder: Path = Field(CHECKOUT / "distillation" / "plans", alias="KAKARI_PLANS")
    """What lets each node's student through and takes it back; another folder than distillation/plans/."""

    chromium: Path | None = Field(None, alias="KAKARI_CHROMIUM")
    """The browser that the browser tests drive; the program itself needs none."""

    @property
    def students_folder(self) -> Path:
        """Where the local students stand that were trained here, a folder for each node."""
        return self.home / "students"

    @property
    def budgets(self) -> Budgets:
        """What may be spent on models in one day and in one month."""
        patient, in_all = Cap(self.patient_tokens, self.patient_yen), Cap(self.tokens, self.yen)
        month = Cap(None, self.patient_month_yen), Cap(None, self.month_yen)
        return Budgets(patient, in_all, Rate.read(self.yen_per_usd), *month, self.cheaper_from)

    @property
    def contacts(self) -> frozenset[str]:
        """The pharmacy's own addresses and numbers."""
        return frozenset(contact.strip() for contact in self.allowed_contacts.split(",") if contact.strip())

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.delivery_url and not self.delivery_secret:
            raise ValueError("KAKARI_DELIVERY_URL is set without KAKARI_DELIVERY_SECRET")
        if self.line_channel_secret and not self.line_channel_access_token:
            raise ValueError("LINE_CHANNEL_SECRET is set without LINE_CHANNEL_ACCESS_TOKEN")
        if self.line_channel_access_token and not self.line_channel_secret:
            raise ValueError("LINE_CHANNEL_ACCESS_TOKEN is set without LINE_CHANNEL_SECRET")
        if (self.alarm_url or self.alarm_escalation_url) and not self.alarm_secret:
            raise ValueError("KAKARI_ALARM_URL is set without KAKARI_ALARM_SECRET")
        if self.alarm_escalation_url and not self.alarm_url:
            raise ValueError("KAKARI_ALARM_ESCALATION_URL is set without KAKARI_ALARM_URL")
        if self.smtp_url and not (self.alarm_mail_from and self.alarm_mail_to):
            raise ValueError("KAKARI_SMTP_URL is set without KAKARI_ALARM_MAIL_FROM and KAKARI_ALARM_MAIL_TO")
        if (self.alarm_mail_to or self.alarm_escalation_mail_to) and not self.smtp_url:
            raise ValueError("KAKARI_ALARM_MAIL_TO is set without KAKARI_SMTP_URL")
        if self.langsmith_tracing and not self.langsmith_api_key:
            raise ValueError("LANGSMITH_TRACING is true without LANGSMITH_API_KEY")
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            raise ValueError("KAKARI_OIDC_ISSUER is set without KAKARI_OIDC_CLIENT_ID or KAKARI_PUBLIC_URL")
        if self.models == "openai" and not (self.openai_api_key or self.openai_base_url):
            raise ValueError("KAKARI_MODELS is 'openai' without OPENAI_API_KEY or OPENAI_BASE_URL")
        return self


def read_settings(env_file: Path | None = Path(".env"), environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of `env_file`, overruled by `environ`.

    Raises:
        ConfigError: a variable of ours is unknown, or a value is none that its variable may have.
    """
    given = {name: value for name, value in dotenv_values(env_file).items() if value is not None} if env_file else {}
    given |= environ
    _refuse_unknown(given)
    try:
        return Settings.model_validate({name: given[name] for name in variables() if name in given})
    except ValidationError as error:
        raise ConfigError("\n".join(_told(problem) for problem in error.errors())) from None


def endpoint_variables(settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a model's endpoint may name: the environment's, and what `.env` gave."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    given = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": settings.openai_base_url}
    return dict(environ) | {name: value for name, value in given.items() if value is not None}


def variables() -> list[str]:
    """Return the name of every variable, in the order of the class."""
    return [str(field.alias) for field in Settings.model_fields.values()]


def env_example() -> str:
    """Return the text of `.env.example`: every variable with its meaning and its value when left out."""
    head = "# Copy to .env and take the # off the lines to change. Made from pharmacy/settings.py.\n"
    return head + "".join(_example(field) for field in Settings.model_fields.values())


def _example(field: FieldInfo) -> str:
    meaning = textwrap.fill(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
    value = field.default
    if isinstance(value, Path) and value.is_relative_to(CHECKOUT):
        value = value.relative_to(CHECKOUT)
    shown = str(value).lower() if isinstance(value, bool) else "" if value is None else value
    return f"\n{meaning}\n# {field.alias}={shown}\n"


def _refuse_unknown(given: Mapping[str, str]) -> None:
    known = [name for name in variables() if name.startswith(OWN_PREFIX)]
    for name in given:
        if name.startswith(OWN_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise ConfigError(f"environment: {name} is no setting of Kakari; the nearest name is {near[0]}")


def _told(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    expected = problem["msg"].removeprefix("Value error, ")
    if not place:
        return f"environment: {expected}"
    # A budget's tokens are no secret.
    named = place.removesuffix("_TOKENS")
    secret = "SECRET" in named or "KEY" in named or "TOKEN" in named or place in ("DATABASE_URL", "KAKARI_SMTP_URL")
    value = "" if secret else f"={problem['input']!r}"
    return f"environment: {place}{value}: {expected}"
