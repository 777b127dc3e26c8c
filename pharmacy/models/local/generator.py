"""The local generator: the written reply that fits best, with facts filled in, or none."""

from collections.abc import Mapping, Sequence

from pharmacy.domain.errors import NothingFits
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.formulas import named, without_names
from pharmacy.models.local.guards import guarded
from pharmacy.models.local.library import Entry, Topic, library
from pharmacy.models.local.matching import Matcher, Said
from pharmacy.models.local.offering import Case, fits
from pharmacy.models.local.task import Task


class LocalGenerator:
    """A `ChatModel` that answers from the library and reads only the prompt's blanks."""

    def __init__(self, replies: Mapping[str, Sequence[Entry]] | None = None) -> None:
        self._matcher = Matcher(replies or library())
        # Names and rules are read now: a broken file stops the start, and no message waits for them.
        named("")
        guarded("")

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the best written reply that was not given before, or the facts that it lacks.

        Raises:
            NothingFits: no written reply is sure enough to be right.
        """
        task = Task.read(prompt.blanks)
        entry = self._entry(task)
        case = self._case(task, entry.topic)
        allowed = [reply for reply in entry.replies if fits(reply, case)]
        return schema.model_validate(task.chosen(allowed, case, entry.topic.id))

    def _entry(self, task: Task) -> Entry:
        if not task.exchange.text.strip():
            raise NothingFits("generate: no words to answer")
        said = Said(without_names(task.exchange.text, task.sheet.formulas), task.exchange.last_reply)
        match = self._matcher.match(said, task.category)
        if not match.entries:
            raise NothingFits(f"generate: {match.why}")
        return match.entries[0]

    def _case(self, task: Task, topic: Topic) -> Case:
        product = task.product_meant()
        if topic.name and named(task.exchange.text, task.sheet.formulas):
            raise NothingFits(f"generate: {topic.id}: a product is named beside the complaint")
        complaint = topic if topic.name else self._recalled(task, topic)
        return Case(task.phase, task.sheet, product, complaint.name, complaint.covers)

    def _recalled(self, task: Task, topic: Topic) -> Topic:
        """Return the complaint that the patient told of last, or `topic` itself."""
        if topic.recalls:
            for text in task.exchange.told:
                found = self._matcher.match(Said(without_names(text, task.sheet.formulas)), task.category).entries
                if found and found[0].topic.name:
                    return found[0].topic
        return topic
