"""Training at OpenAI: one job for one order whatever gets lost, its story, its cost, each refusal in clear words."""

import asyncio
from datetime import date
from pathlib import Path

import pytest

from distillation.trainers.follow import follow
from distillation.trainers.openai_tuning import OpenAITuning
from distillation.trainers.port import Event, Job, Order, State, TrainerRefused, TrainerSilent
from distillation.trainers.training_file import read_training_file
from pharmacy.models.openai_client import openai_client
from pharmacy.models.prices import Prices
from pharmacy.models.tables import Endpoint, Price
from tests.fakes.openai_server import OpenAIFake, faults
from tests.unit.distillation.trainers.conftest import QUICK, TODAY
from tests.unit.distillation.trainers.rows import BASE, order, written

JOBS = "POST /v1/fine_tuning/jobs"


def _quiet(_: object) -> None:
    pass


async def _ended(trainer: OpenAITuning, job: Job, heard: list[Event] | None = None) -> tuple[Job, list[State]]:
    states: list[State] = []

    async def changed(seen: Job) -> None:
        states.append(seen.state)

    told = _quiet if heard is None else heard.append
    return await follow(trainer, job.id, told, changed, poll_seconds=0.01), states


async def _trained(trainer: OpenAITuning, of: Order) -> Job:
    return (await _ended(trainer, await trainer.start(of, _quiet)))[0]


async def test_a_job_is_followed_from_its_files_to_its_model(trainer: OpenAITuning, rows_file: Path) -> None:
    of, heard = order(rows_file, seed=7, epochs=2), []

    begun = await trainer.start(of, _quiet)
    job, states = await _ended(trainer, begun, heard)

    assert not begun.state.has_ended
    assert states[-1] is State.SUCCEEDED
    assert job.model is not None
    assert job.model.startswith(f"openai:ft:{BASE.removeprefix('openai:')}:example:classify:")
    assert (job.base, job.seed, job.epochs, job.problem) == (BASE, 7, 2, None)
    assert heard[0].said == f"Created fine-tuning job: {job.id}"
    assert heard[-1].said == "The job has successfully completed"
    assert [(event.step, event.steps) for event in heard if event.step] == [(40, 80), (80, 80)]
    assert len({event.id for event in heard}) == len(heard)
    assert [each.step for each in await trainer.checkpoints(job.id)] == [80, 40]


async def test_the_bill_is_the_trained_tokens_at_the_dated_price(trainer: OpenAITuning, rows_file: Path) -> None:
    of = order(rows_file, epochs=3)

    before = trainer.estimate(of)
    job = await _trained(trainer, of)

    assert job.trained_tokens is not None
    assert job.cost_usd == pytest.approx(job.trained_tokens * 3.00 / 1_000_000)
    assert (before.rows, before.epochs) == (40, 3)
    assert before.cost_usd == pytest.approx(before.trained_tokens * 3.00 / 1_000_000)
    assert 0.5 < before.trained_tokens / job.trained_tokens < 2


async def test_an_unknown_price_is_unknown(trainer: OpenAITuning, rows_file: Path) -> None:
    of = order(rows_file, base="openai:gpt-4.1-mini-2025-04-14")

    before = trainer.estimate(of)

    assert before.cost_usd is None
    assert any("is not known; set `training`" in said for said in before.warnings)
    assert (await _trained(trainer, of)).cost_usd is None


def test_an_own_price_goes_before_the_shipped_ones(rows_file: Path) -> None:
    prices = Prices({"azure:mini": Price(input=1, cached=1, output=1, training=2)})
    client = openai_client("azure", Endpoint(base_url="http://127.0.0.1:9/v1"), {})

    before = OpenAITuning("azure", client, prices, TODAY).estimate(order(rows_file, base="azure:mini", epochs=1))

    assert before.cost_usd == pytest.approx(before.trained_tokens * 2 / 1_000_000)


@pytest.mark.parametrize(("rows", "epochs"), [pytest.param(10, 10, id="few"), pytest.param(40, 3, id="some")])
async def test_guesses_the_passes_that_the_provider_makes(
    trainer: OpenAITuning, tmp_path: Path, rows: int, epochs: int
) -> None:
    of = order(written(tmp_path / "rows.jsonl", rows))

    assert trainer.estimate(of).epochs == epochs == (await _trained(trainer, of)).epochs


async def test_the_same_order_is_never_trained_twice(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    first = await trainer.start(order(rows_file), _quiet)
    again = await trainer.start(order(rows_file), _quiet)
    await _ended(trainer, first)
    later = await trainer.start(order(rows_file), _quiet)
    other = await trainer.start(order(rows_file, seed=2), _quiet)

    assert first.id == again.id == later.id != other.id
    assert len(fake.tuning.jobs) == 2
    assert len(fake.world.files.kept) == 1


async def test_a_job_that_failed_may_be_ordered_again(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    fake.tuning.fails_while_running = True
    first = await _trained(trainer, order(rows_file))
    fake.tuning.fails_while_running = False

    again = await _trained(trainer, order(rows_file))

    assert (first.state, again.state) == (State.FAILED, State.SUCCEEDED)
    assert first.problem == "The job failed due to an internal error."


@pytest.mark.parametrize("keeps_metadata", [True, False], ids=["labelled", "labels-forgotten"])
@pytest.mark.parametrize(
    "fault", [faults.reset_mid_body(), faults.server_error(502), faults.rate_limited("0")], ids=lambda fault: fault.name
)
async def test_a_lost_answer_begins_no_second_job(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path, fault: faults.Fault, keeps_metadata: bool
) -> None:
    fake.tuning.keeps_metadata = keeps_metadata
    fake.script.fail(fault, path=JOBS)

    job = await trainer.start(order(rows_file), _quiet)

    assert [*fake.tuning.jobs] == [job.id]


async def test_a_lost_answer_leaves_no_second_file(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    fake.script.fail(faults.reset_mid_body(), path="POST /v1/files")

    await trainer.start(order(rows_file), _quiet)

    assert len(fake.world.files.kept) == 1


async def test_a_job_with_another_answers_label_is_left_alone(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    theirs = await trainer.start(order(rows_file, node="switch_phase"), _quiet)

    ours = await trainer.start(order(rows_file), _quiet)

    assert theirs.id != ours.id


async def test_following_outlives_a_provider_that_is_away(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    job = await trainer.start(order(rows_file), _quiet)
    fake.script.fail(faults.server_error(503), times=6, path="GET /v1/fine_tuning/jobs")

    ended, _ = await _ended(trainer, job)

    assert ended.state is State.SUCCEEDED


async def test_following_is_given_up_at_last_and_says_that_the_job_goes_on(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    job = await trainer.start(order(rows_file), _quiet)
    fake.script.fail(faults.server_error(503), times=None, path="GET /v1/fine_tuning/jobs")

    async def changed(_: Job) -> None:
        pass

    with pytest.raises(TrainerSilent, match="A job that has begun goes on there"):
        await follow(trainer, job.id, _quiet, changed, poll_seconds=0.01, silent_seconds=0.1)


async def test_a_cancelled_job_stops(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    fake.tuning.held.set()
    job = await trainer.start(order(rows_file), _quiet)

    await trainer.cancel(job.id)

    ended, _ = await _ended(trainer, job)
    assert (ended.state, ended.model) == (State.CANCELLED, None)
    assert (await trainer.cancel(job.id)).state is State.CANCELLED


async def test_what_was_handed_over_is_taken_back_once_nobody_trains_on_it(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path, tmp_path: Path
) -> None:
    validation = read_training_file(written(tmp_path / "validation.jsonl", 10, begin=100))
    fake.tuning.held.set()
    first = await trainer.start(order(rows_file, validation=validation), _quiet)
    other = await trainer.start(order(rows_file, seed=2), _quiet)
    await trainer.cancel(first.id)

    taken_first = [await trainer.release(other.id), await trainer.release(first.id)]
    fake.tuning.held.clear()
    await _ended(trainer, other)

    assert taken_first == [0, 1]
    assert await trainer.release(other.id) == 1
    assert await trainer.release(other.id) == 0
    assert fake.world.files.kept == {}


async def test_a_file_ends_by_itself_where_nobody_takes_it_back(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    await trainer.start(order(rows_file), _quiet)

    (file,) = fake.world.files.kept.values()
    assert file.shown["expires_at"] - file.shown["created_at"] == pytest.approx(14 * 24 * 3600, abs=2)


@pytest.mark.parametrize("method", ["estimate", "start"])
async def test_an_alias_is_refused_with_the_name_to_give(trainer: OpenAITuning, rows_file: Path, method: str) -> None:
    of = order(rows_file, base="openai:gpt-4o-mini")

    with pytest.raises(TrainerRefused, match=r"is an alias.*'openai:gpt-4o-mini-2024-07-18'"):
        await trainer.start(of, _quiet) if method == "start" else trainer.estimate(of)


async def test_an_organisation_that_may_create_no_jobs_is_told_why_and_what_is_left(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    fake.tuning.may_create = False

    with pytest.raises(TrainerRefused) as raised:
        await trainer.start(order(rows_file), _quiet)

    for word in ("no new fine-tuning jobs", "2026-05-07", "2026-07-02", "2027-01-07", "What is left", "[endpoints]"):
        assert word in str(raised.value)
    assert fake.world.files.kept == {}


@pytest.mark.parametrize(
    ("base", "fault", "said"),
    [
        pytest.param("openai:gpt-6-luna", None, "does not train 'openai:gpt-6-luna'.*dated snapshot", id="not-tunable"),
        pytest.param(BASE, faults.unauthorized(), r"refuses the key \(401\)", id="wrong-key"),
        pytest.param(BASE, faults.out_of_quota(), "money is used up", id="no-money"),
        pytest.param(BASE, faults.server_error(500), "cannot be reached.*status 500", id="down"),
    ],
)
async def test_each_refusal_has_its_words(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path, base: str, fault: faults.Fault | None, said: str
) -> None:
    if fault:
        fake.script.fail(fault, times=None, path=JOBS)

    with pytest.raises((TrainerRefused, TrainerSilent), match=said):
        await trainer.start(order(rows_file, base=base), _quiet)

    assert fake.tuning.jobs == {}


async def test_a_job_nobody_knows_is_said_so(trainer: OpenAITuning) -> None:
    with pytest.raises(TrainerRefused, match="knows no job 'ftjob-none'"):
        await trainer.look("ftjob-none")


async def test_nobody_at_the_address_is_said_so(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    fake.stop()

    with pytest.raises(TrainerSilent, match=r"openai cannot be reached \(ConnectError\)"):
        await trainer.start(order(rows_file), _quiet)


async def test_a_file_that_the_provider_finds_fault_with_fails_the_job_in_its_words(
    fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path
) -> None:
    fake.tuning.step_seconds = 0.1
    job = await trainer.start(order(rows_file), _quiet)
    (file_id,) = fake.world.files.kept
    fake.world.files.expire(file_id)

    ended, _ = await _ended(trainer, job)

    assert ended.state is State.FAILED
    assert ended.problem is not None
    assert "no longer exists" in ended.problem


def test_warns_of_last_days_and_of_models_nobody_listed(rows_file: Path) -> None:
    client = openai_client("openai", Endpoint(base_url="http://127.0.0.1:9/v1"), {})
    late = OpenAITuning("openai", client, Prices(), date(2027, 1, 8))

    known, unknown = (late.estimate(order(rows_file, base=base)).warnings for base in (BASE, "openai:own-2026-01-01"))

    assert any("2027-01-06 as the last day for new jobs" in said for said in known)
    assert any("announced to stop on 2027-01-14, in 6 days, and its students with it" in said for said in known)
    assert any("not among the models that were known to be tunable" in said for said in unknown)


async def test_azure_is_given_its_key_in_its_own_header_and_nowhere_else(fake: OpenAIFake, rows_file: Path) -> None:
    url = fake.url.replace("/v1", "/openai/v1")
    endpoint = Endpoint(base_url=url, api_key_env="KEY", key_header="api-key")
    client = openai_client("azure", endpoint, {"KEY": "sk-azure"})
    azure = OpenAITuning("azure", client, Prices(), TODAY, QUICK)
    sent: list[set[str]] = []
    client._client.event_hooks["request"].append(_noting(sent))

    job = await _trained(azure, order(rows_file, base="azure:gpt-4o-mini-2024-07-18"))

    assert (job.state, str(job.model).startswith("azure:ft:")) == (State.SUCCEEDED, True)
    assert all("api-key" in names and "authorization" not in names for names in sent)
    await azure.aclose()


def _noting(sent: list[set[str]]):  # type: ignore[no-untyped-def]
    async def note(request: object) -> None:
        sent.append(set(request.headers))  # type: ignore[attr-defined]

    return note


async def test_whoever_stops_following_stops_nothing(fake: OpenAIFake, trainer: OpenAITuning, rows_file: Path) -> None:
    fake.tuning.held.set()
    job = await trainer.start(order(rows_file), _quiet)
    following = asyncio.create_task(_ended(trainer, job))
    await asyncio.sleep(0.1)
    following.cancel()

    fake.tuning.held.clear()

    assert (await _ended(trainer, job))[0].state is State.SUCCEEDED
