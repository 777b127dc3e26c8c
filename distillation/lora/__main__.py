"""`python -m distillation.lora NODE --base MODEL --train FILE --out FOLDER`: train an adapter, say how to serve it."""

import argparse
import json
import sys
from dataclasses import fields
from pathlib import Path

from distillation.lora.recipe import LoraOrder, Recipe, read_order
from distillation.lora.serving import Served, endpoint_table, student_table, vllm_command
from pharmacy.domain.errors import ConfigError
from pharmacy.settings import read_settings

URL = "http://127.0.0.1:8000/v1"
_NEEDS = "torch, trl and peft are not there; install them in an environment of their own: distillation/lora/README.md"


def main() -> int:
    """Return 0 once the adapter stands in its folder, 1 where it cannot be trained, 2 where what was asked is wrong."""
    asked = _arguments()
    recipe = Recipe(**{field.name: getattr(asked, field.name) for field in fields(Recipe)})
    try:
        order = read_order(asked.node, asked.base, asked.train, asked.validation, recipe, read_settings())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        return _train(order, asked.out, as_json=asked.json)
    except ImportError as error:
        sys.stderr.write(f"{error.name}: {_NEEDS}\n")
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
    return 1


def _train(order: LoraOrder, folder: Path, *, as_json: bool) -> int:
    # Takes seconds to import, and stands in an optional extra.
    from distillation.lora.training import train

    made = train(order, folder)
    served = Served(order.node, made.name, order.base, folder, order.recipe.rank, order.prompt_fingerprint)
    if as_json:
        told = {"name": made.name, "folder": str(folder), "losses": made.losses, "validation_loss": made.validation}
        print(
            json.dumps(told | {"serve": vllm_command(served), "tables": [endpoint_table(URL), student_table(served)]})
        )
        return 0
    print(f"{made.name} stands in {folder}: loss {made.losses[0]:.3f} at first, {made.losses[-1]:.3f} at the end.")
    if made.validation:
        print(f"On the validation rows {made.validation[0]:.3f} before, {made.validation[1]:.3f} after.")
    print("A loss says nothing of how good the answers are: kakari evaluate does, on rows that no student has seen.\n")
    print(f"Serve it:\n\n{vllm_command(served)}\n\nIn nodes/models.toml, with the address it is reached at:\n")
    print(f"{endpoint_table(URL)}\nbelow the keys of [{order.node}]:\n\n{student_table(served)}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m distillation.lora", description=__doc__)
    parser.add_argument("node", help="a node that asks a model, such as classify")
    parser.add_argument("--base", required=True, help="an open-weight chat model: a folder, or a name at Hugging Face")
    parser.add_argument("--train", type=Path, required=True, help="chat JSONL of kakari dataset export")
    parser.add_argument("--validation", type=Path, help="chat JSONL, to tell progress by")
    parser.add_argument("--out", type=Path, required=True, help="the adapter's folder, a new one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    for field in fields(Recipe):
        kind = float if isinstance(field.default, float) else int
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
