"""What can go wrong in a run that the flow is ready for.

FlowError                 every one of these ends with a pharmacist, never with a guessed reply
├── ReplyUnreadable       the model's answer is not of the form that was asked for
├── ReplyRefused          the model declined to answer
├── ReplyCut              the answer was cut off: length, or the provider's content filter
├── ContextTooLong        the model cannot take so long an input
├── ModelUnavailable      no answer could be had: down, refused the key, breaker open
│   └── ModelLimited      it is asked as much as it may be, and time would run out before a turn came
├── DeadlinePassed        the message's time ran out before an answer came
├── CallsUsedUp           the message's number of model calls ran out
├── BudgetReached         the day's budget, the patient's or the pharmacy's, is used up
├── NothingFits           a local generator has no written reply for this
└── FactUnknown           the answer needs a fact that nobody has given
"""


class FlowError(Exception):
    """A failure that ends with a pharmacist; `code` names it in the handover's reason."""

    code = "fault"


class ReplyUnreadable(FlowError):
    """The model's answer is not of the form that was asked for."""

    code = "reply_unreadable"


class ReplyRefused(FlowError):
    """The model declined to answer."""

    code = "reply_refused"


class ReplyCut(FlowError):
    """The answer was cut off: by its length, or by the provider's content filter."""

    code = "reply_cut"


class ContextTooLong(FlowError):
    """The model cannot take so long an input."""

    code = "context_too_long"


class ModelUnavailable(FlowError):
    """No answer could be had from the model or its fallback."""

    code = "model_unavailable"


class ModelLimited(ModelUnavailable):
    """The model is asked as much as it may be, and the message's time would run out before its turn came."""

    code = "model_limited"


class DeadlinePassed(FlowError):
    """The message's time ran out before an answer came."""

    code = "deadline_passed"


class CallsUsedUp(FlowError):
    """The message's number of model calls ran out."""

    code = "calls_used_up"


class BudgetReached(FlowError):
    """The day's budget, the patient's or the pharmacy's, is used up."""

    code = "budget_reached"


class NothingFits(FlowError):
    """A local generator has no written reply for this."""

    code = "nothing_fits"


class FactUnknown(FlowError):
    """The answer needs a fact that nobody has given."""

    code = "fact_unknown"


class ConfigError(Exception):
    """A file or setting that nothing may start with: names the place, the value, and what was expected."""
