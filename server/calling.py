"""Who is called when a case opens, and what its patient is told: read from the settings once at start."""

from pharmacy.channels.alarms import AlarmChannel, Route
from pharmacy.domain.business_hours import load_business_hours
from pharmacy.domain.fixed_texts import FixedTexts
from pharmacy.domain.fixed_texts_file import load_fixed_texts
from pharmacy.settings import Settings

NOBODY = "no alarm leaves the house: set KAKARI_ALARM_URL, or KAKARI_SMTP_URL and KAKARI_ALARM_MAIL_TO"


def fixed_texts(settings: Settings) -> FixedTexts:
    """Return the fixed texts and hours of the settings' files.

    Raises:
        ConfigError: a file is not as it must be, or lets a text go out that nobody has approved.
    """
    hours = load_business_hours(settings.business_hours_file)
    allowed = {"emergencies": settings.emergency_text == "on", "handovers": settings.handover_text == "on"}
    return load_fixed_texts(settings.fixed_texts_file, hours, **allowed)


def alarm_channel(settings: Settings) -> AlarmChannel:
    """Return the way out of alarms; to be closed."""
    secret = settings.alarm_secret.get_secret_value() if settings.alarm_secret else ""
    smtp_url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    return AlarmChannel(
        Route(settings.alarm_url, _between_commas(settings.alarm_mail_to)),
        Route(settings.alarm_escalation_url, _between_commas(settings.alarm_escalation_mail_to)),
        secret=secret, smtp_url=smtp_url, mail_from=settings.alarm_mail_from,
    )  # fmt: skip


def _between_commas(told: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in told.split(",") if part.strip())
