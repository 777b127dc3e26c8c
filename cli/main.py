"""The `kakari` command: its groups, and what it says and returns when something is wrong."""

import sys

import typer

from cli import (
    annotations,
    audit,
    backup,
    budget,
    cache,
    check,
    dataset,
    dataset_langsmith,
    dataset_stored,
    distill,
    drill,
    erase,
    evaluate,
    figures,
    graph,
    keys,
    pharmacies,
    policy,
    products,
    profile,
    promote,
    replay,
    restored,
    rollback,
    serve,
    shadow,
    suggest,
    users,
    worker,
)
from pharmacy.domain.errors import ConfigError
from pharmacy.storage.refusals import StoreError

app = typer.Typer(
    name="kakari",
    help="Kakari answers the chat of an online kampo pharmacy together with its pharmacists.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("suggest")(suggest.suggest)
app.command("graph")(graph.graph)
app.command("check")(check.check)
app.command("budget")(budget.budget)
app.command("erase")(erase.erase)
app.command("sign-in")(keys.sign_in)
app.add_typer(keys.app, name="keys")
app.add_typer(users.app, name="users")
app.add_typer(pharmacies.app, name="pharmacies")
app.add_typer(products.app, name="products")
app.add_typer(policy.app, name="policy")
app.command("profile")(profile.profile)
app.add_typer(cache.app, name="cache")
app.add_typer(distill.app, name="distill")
dataset.app.command("push")(dataset_langsmith.push)
dataset.app.command("pull")(dataset_langsmith.pull)
dataset.app.command("import-stored")(dataset_stored.import_stored)
app.add_typer(dataset.app, name="dataset")
app.command("evaluate")(evaluate.evaluate)
app.command("promote")(promote.promote)
app.command("drill")(drill.drill)
app.command("shadow")(shadow.shadow)
app.command("figures")(figures.figures)
app.command("replay")(replay.replay)
app.command("rollback")(rollback.rollback)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("restored")(restored.restored)
app.add_typer(audit.app, name="audit")
app.add_typer(annotations.app, name="annotations")


def main() -> None:
    """Run the command; exit status 0 done, 1 said no, 2 wrong use or set-up."""
    try:
        app()
    except ConfigError as error:
        print(f"kakari: {error}", file=sys.stderr)
        sys.exit(2)
    except StoreError as error:
        print(f"kakari: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
