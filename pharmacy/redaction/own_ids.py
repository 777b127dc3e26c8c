"""Ids that Kakari drew by lot: nobody's data, though their figures can look like a telephone's."""

import re

from pharmacy.redaction.reading import Reading
from pharmacy.redaction.span import Span

# RFC 9562, 5.4: version 4, variant 10; with hyphens or as 32 figures. LINE's own user ids begin with a letter more.
_RANDOM = re.compile(
    r"(?<![0-9A-Za-z])[0-9a-f]{8}(?P<dash>-?)[0-9a-f]{4}(?P=dash)4[0-9a-f]{3}(?P=dash)[89ab][0-9a-f]{3}(?P=dash)"
    r"[0-9a-f]{12}(?![0-9A-Za-z])"
)


def without_own_ids(found: list[Span], reading: Reading) -> list[Span]:
    """Return the finds but for those that lie wholly within one of Kakari's own ids."""
    own = [reading.original(*hit.span()) for hit in _RANDOM.finditer(reading.text)] if found else []
    return [span for span in found if not any(start <= span.start and span.end <= end for start, end in own)]
