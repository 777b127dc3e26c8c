"""A local student of a generator: the learnt reply to the nearest question, facts filled in, or none."""

from dataclasses import dataclass

from pharmacy.domain.errors import ConfigError, NothingFits
from pharmacy.domain.model import Answer, Prompt
from pharmacy.models.local.formulas import named
from pharmacy.models.local.generator import LocalGenerator
from pharmacy.models.local.guards import complaint_words, elsewhere, guarded
from pharmacy.models.local.library import Written
from pharmacy.models.local.offering import Case, fits
from pharmacy.models.local.reply_book import LearntReply, ReplyBook, library_fingerprint, question_grams
from pharmacy.models.local.retrieval import Floats
from pharmacy.models.local.task import Task
from pharmacy.models.local.wording import folded, without_greetings

SHORTEST = 6
"""Letters, greetings aside, of the shortest message that says by itself what it is about."""


class ReplyStudent:
    """A `ChatModel` that answers from a book of learnt replies and reads only the prompt's blanks."""

    def __init__(self, book: ReplyBook) -> None:
        """Serve `book`.

        Raises:
            ConfigError: its likeness was learnt beside other shipped wordings than those of now.
        """
        learnt_beside, now = book.card.library_fingerprint, library_fingerprint()
        if learnt_beside != now:
            raise ConfigError(
                f"local:{book.card.node}: learnt beside shipped wordings {learnt_beside!r}, they are now {now!r}; "
                "train it anew"
            )
        self.book = book
        self._written = [reply.written(place) for place, reply in enumerate(book.card.replies)]
        self._library = LocalGenerator() if book.card.beside_library else None
        # Read now: a broken file stops the start, and no message waits for it.
        named("")
        guarded("")

    @property
    def fingerprint(self) -> str:
        """12 hex digits over everything the student was taught."""
        return self.book.fingerprint

    async def answer(self, prompt: Prompt, schema: type[Answer]) -> Answer:
        """Return the learnt reply to the nearest question, or the facts that it lacks.

        Raises:
            NothingFits: no question is near enough, and no shipped reply is sure enough either.
        """
        try:
            return schema.model_validate(self._learnt(Task.read(prompt.blanks)))
        except NothingFits:
            if self._library is None:
                raise
        return await self._library.answer(prompt, schema)

    def _learnt(self, task: Task) -> object:
        if why := unanswerable(task):
            raise NothingFits(f"generate: {why}")
        case = Case(task.phase, task.sheet, task.product_meant())
        nearest, bar = self.nearest(task, case, self.likeness(task)), self.book.card.threshold
        if nearest is None or nearest.confidence < bar:
            best = f"{nearest.confidence:.2f}" if nearest else "nothing"
            raise NothingFits(f"generate: no learnt reply is near enough: {best} < {bar:.2f}")
        return task.chosen(nearest.replies, case, "learnt replies")

    def likeness(self, task: Task, without: int | None = None) -> Floats:
        """Return each matter's likeness to the task's question, 0 to 1, shape (matters,).

        Args:
            without: a question to leave out, as if nobody had asked it.
        """
        return self.book.index.scores(question_grams(task.exchange.text, task.sheet.formulas), without)

    def nearest(self, task: Task, case: Case, likeness: Floats, unlearnt: int | None = None) -> "Nearest | None":
        """Return the matter that the task is nearest to; None where no reply to it may be given here.

        Args:
            likeness: of each matter to its question.
            unlearnt: a matter to leave out, as if nobody had ever asked about it.
        """
        allowed: dict[int, list[Written]] = {}
        text = folded(task.exchange.text)
        for reply, written in zip(self.book.card.replies, self._written, strict=True):
            if case.phase in reply.phases and reply.matter != unlearnt:
                given = is_for(reply, case, text) and fits(written, case)
                allowed.setdefault(reply.matter, []).extend([written] if given else [])
        # A nearer matter whose replies may not be given stays in the way: the next one answers something else.
        ranked = sorted(allowed, key=lambda matter: (-likeness[matter], matter))
        if not ranked or not allowed[ranked[0]]:
            return None
        best = float(likeness[ranked[0]])
        lead = best - float(likeness[ranked[1]]) if len(ranked) > 1 else best
        confidence = self.book.card.confidence.of(best, lead)
        return Nearest(ranked[0], tuple(allowed[ranked[0]]), best, lead, confidence)


@dataclass(frozen=True)
class Nearest:
    """The matter that a question is most like."""

    matter: int
    replies: tuple[Written, ...]
    """What may be said to it, the best first."""

    likeness: float
    """0 to 1."""

    lead: float
    """How far it is ahead of the next matter, 0 to 1."""

    confidence: float
    """0 to 1."""


def unanswerable(task: Task) -> str:
    """Return why no learnt reply may answer the task, or an empty text."""
    text = without_greetings(folded(task.exchange.text))
    if len(text) < SHORTEST:
        return f"{len(text)} letters say too little"
    if guards := guarded(text):
        return f"guards {sorted(guards)}"
    return f"words of another category than {task.category}" if elsewhere(text, task.category) else ""


def is_for(reply: LearntReply, case: Case, text: str) -> bool:
    """Whether a folded text, its product and its order are such as `reply` was sent for."""
    same_product = reply.formula is None or reply.formula == (case.product or "")
    same_order = reply.order_state is None or reply.order_state == order_state(case)
    told, spoken_of = complaint_words(text), complaint_words(folded(reply.text))
    another_complaint = bool(told and spoken_of and not told & spoken_of)
    return same_product and same_order and not another_complaint and all(word in text for word in reply.words)


def order_state(case: Case) -> str:
    """Return the state of the patient's order; "" where there is not one order."""
    return case.sheet.orders[0]["state"] if len(case.sheet.orders) == 1 else ""
