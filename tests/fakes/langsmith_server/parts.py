"""Read a multipart body of LangSmith's ingest, or of a dataset's examples, into its parts, strictly."""

import email.parser
import email.policy
import json
import re
from typing import Any

NAME = re.compile(
    r"(post|patch)\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.(inputs|outputs|events|extra|error|serialized))?"
)
EXAMPLE = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.(inputs|outputs))?")


class Unreadable(Exception):
    """The body is not what LangSmith takes."""


def read_runs(content_type: str, body: bytes) -> dict[str, dict[str, Any]]:
    """Return each posted run by its id, with its inputs, outputs and the rest as keys of it.

    Raises:
        Unreadable: the body is no multipart, or a part is odd.
    """
    runs: dict[str, dict[str, Any]] = {}
    for name, kind, content in _parts(content_type, body):
        found = NAME.fullmatch(name)
        if found is None:
            raise Unreadable(f"part {name!r}: expected post.ID or post.ID.FIELD")
        if not kind.startswith("application/json"):
            raise Unreadable(f"part {name!r}: {kind!r} is no application/json")
        run = runs.setdefault(found[2], {})
        try:
            value = json.loads(content)
        except ValueError as error:
            raise Unreadable(f"part {name!r}: {error}") from error
        run |= {found[3]: value} if found[3] else value
    return runs


def read_examples(content_type: str, body: bytes) -> dict[str, dict[str, Any]]:
    """Return each example by its id, with inputs and outputs as keys of it.

    Raises:
        Unreadable: the body is no multipart, a part is odd, or an example has no inputs.
    """
    examples: dict[str, dict[str, Any]] = {}
    for name, kind, content in _parts(content_type, body):
        found = EXAMPLE.fullmatch(name)
        if found is None or not kind.startswith("application/json"):
            raise Unreadable(f"part {name!r} of {kind!r}: expected ID, ID.inputs or ID.outputs as JSON")
        value = json.loads(content)
        if found[2] is None and set(value) - {"created_at", "metadata", "split", "source_run_id"}:
            raise Unreadable(f"example {name!r} has other keys: {sorted(value)}")
        example = examples.setdefault(found[1], {})
        example |= {found[2]: value} if found[2] else value
    if bare := [number for number, example in examples.items() if "inputs" not in example]:
        raise Unreadable(f"examples {bare} have no inputs")
    return examples


def faults_of(run: dict[str, Any]) -> list[str]:
    """Return what LangSmith would refuse in a posted run."""
    needed = ("id", "trace_id", "dotted_order", "name", "run_type", "start_time", "session_name")
    faults = [f"{name} is missing" for name in needed if not run.get(name)]
    if faults:
        return faults
    order = run["dotted_order"].split(".")
    if not order[-1].endswith(run["id"]) or not order[0].endswith(run["trace_id"]):
        faults.append("dotted_order does not name the run and its trace")
    if any(not re.match(r"\d{8}T\d{12}Z", part) for part in order):
        faults.append("dotted_order has an odd time")
    if (len(order) > 1) != bool(run.get("parent_run_id")):
        faults.append("parent_run_id and dotted_order do not agree")
    if order != sorted(order, key=lambda part: part[:22]):
        faults.append("a run begins before its parent")
    if run["run_type"] not in ("chain", "llm", "tool", "retriever", "prompt", "parser", "embedding"):
        faults.append(f"run_type {run['run_type']!r}")
    return faults


def _parts(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    if not content_type.startswith("multipart/form-data"):
        raise Unreadable(f"content-type {content_type!r}")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = []
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        parts.append((str(name), part.get_content_type(), content))
    return parts
