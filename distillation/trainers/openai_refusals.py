"""What an answer of OpenAI's means for whoever wants to train, in words they can act on."""

import openai

from distillation.trainers.port import TrainerRefused, TrainerSilent
from pharmacy.models.patience import is_transient

NO_NEW_JOBS = (
    "{provider} lets this organisation create no new fine-tuning jobs (403). At OpenAI that holds since 2026-05-07 for "
    "organisations that had never fine-tuned, since 2026-07-02 for those without a call of a tuned model in 60 days, "
    "and from 2027-01-07 on for everybody. What is left: another endpoint that trains (--model azure:…, see "
    "[endpoints] in nodes/models.toml), a student that runs in the process, or the plain cheap model if it is no worse"
)
WRONG_KEY = "{provider} refuses the key (401); expected one that may create fine-tuning jobs"
NO_MONEY = "{provider}: the account's money is used up (insufficient_quota); nothing was begun"
WRONG_MODEL = (
    "{provider} does not train {base!r} ({said}). Expected a dated snapshot that it lists as tunable, such as "
    "'gpt-4o-mini-2024-07-18'; an alias such as 'gpt-4o-mini' is not taken"
)
NO_SUCH_JOB = "{provider} knows no job {job!r}; see `kakari distill jobs`"
SILENT = "{provider} cannot be reached ({why}). A job that has begun goes on there; ask again later"


def told(error: openai.APIError, provider: str, *, base: str = "", job: str = "") -> Exception:
    """Return what to tell a person of `error`: that it was refused, or that nobody answered.

    Args:
        base: the model that was to be trained, where a job was to be created.
        job: the job that was asked for.
    """
    if not isinstance(error, openai.APIStatusError):
        return TrainerSilent(SILENT.format(provider=provider, why=type(error.__cause__ or error).__name__))
    status, said = error.status_code, error.message[:300]
    if error.code == "insufficient_quota":
        return TrainerRefused(NO_MONEY.format(provider=provider))
    if status == 401:
        return TrainerRefused(WRONG_KEY.format(provider=provider))
    if status == 403:
        return TrainerRefused(NO_NEW_JOBS.format(provider=provider) if base else f"{provider} refuses it (403): {said}")
    if is_transient(error):
        return TrainerSilent(SILENT.format(provider=provider, why=f"status {status}"))
    if base and (error.code == "model_not_available" or "fine-tuning" in said):
        return TrainerRefused(WRONG_MODEL.format(provider=provider, base=base, said=said))
    if status == 404 and job:
        return TrainerRefused(NO_SUCH_JOB.format(provider=provider, job=job))
    return TrainerRefused(f"{provider} refuses it ({status}): {said}")
