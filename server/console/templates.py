"""The pages' templates, and how a page is answered."""

from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.headers import PAGE_POLICY

HERE = Path(__file__).parent
_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)
# The flow file's order is the one people read marks in.
_templates.policies["json.dumps_kwargs"] = {"sort_keys": False}

PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY}


def page(name: str, status: int = 200, **blanks: Any) -> HTMLResponse:
    """Return the page of that template."""
    return HTMLResponse(_templates.get_template(name).render(**blanks), status, PAGE_HEADERS)
