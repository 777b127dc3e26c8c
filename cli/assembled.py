"""The flow with its models, for commands that need no database."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graph.assemble import Assembled
    from pharmacy.settings import Settings


def assembled(settings: "Settings | None" = None) -> "Assembled":
    """Return the flow that the settings' files describe."""
    from graph.assemble import Files, assemble
    from pharmacy.settings import endpoint_variables, read_settings

    settings = settings or read_settings()
    files = Files(settings.flow_file, settings.models_file, settings.prompts_folder)
    return assemble(files, settings.models, endpoint_variables(settings))
