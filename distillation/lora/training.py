"""Train an adapter with trl and peft, and put it where it was asked for: whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from distillation.lora.recipe import LoraOrder, Recipe, chat_row
from distillation.trainers.training_file import TrainingFile
from pharmacy.domain.errors import ConfigError

# The rows are redacted, but nobody else's all the same: nothing is told to anyone.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
from trl import SFTConfig, SFTTrainer

WEIGHTS = "adapter_model.safetensors"
CARD = "kakari.json"


@dataclass(frozen=True)
class Adapter:
    """A trained adapter. Its losses say how well it tells the rows on, and nothing of how good its answers are."""

    name: str
    """`NODE-lora-` and 12 hex digits of its weights."""

    folder: Path
    losses: tuple[float, ...]
    """Of each step, in order; nats per token of the answers."""

    validation: tuple[float, float] | None
    """The loss on the validation rows before and after."""


def train(order: LoraOrder, folder: Path) -> Adapter:
    """Return the adapter of `order`, which stands in `folder`.

    Raises:
        ConfigError: the folder is taken, the base cannot be loaded, has no chat template, or a row is too long for it.
    """
    if folder.exists():
        raise ConfigError(f"--out: {folder} is there already; expected a new folder")
    set_seed(order.recipe.seed)
    model, tokenizer = _base(order.base)
    _refuse_too_long(order, tokenizer)
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        losses, validation = _trained(order, model, tokenizer, half)
        digest = hashlib.sha256((half / WEIGHTS).read_bytes()).hexdigest()[:12]
        made = Adapter(f"{order.node}-lora-{digest}", folder, losses, validation)
        (half / CARD).write_text(json.dumps(_card(order, made), ensure_ascii=False, indent=2), encoding="utf-8")
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return made


def _base(name: str) -> tuple[Any, Any]:
    kind = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=kind)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--base: {name!r}: {error}") from error
    if not tokenizer.chat_template:
        raise ConfigError(f"--base: {name!r} has no chat template; expected a model that was taught to chat")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def _refuse_too_long(order: LoraOrder, tokenizer: Any) -> None:
    for file in filter(None, [order.train, order.validation]):
        for number, row in enumerate(file.rows, 1):
            chat = chat_row(row)
            whole = tokenizer.apply_chat_template([*chat["prompt"], *chat["completion"]], tokenize=False)
            count = len(tokenizer(whole, add_special_tokens=False)["input_ids"])
            if count > order.recipe.longest:
                raise ConfigError(
                    f"{file.path}:{number}: {count} tokens with this tokenizer; expected at most {order.recipe.longest}"
                )


def _trained(
    order: LoraOrder, model: Any, tokenizer: Any, folder: Path
) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    with tempfile.TemporaryDirectory(prefix="kakari-lora-") as scratch:
        trainer = SFTTrainer(
            model=model,
            args=_settings(order.recipe, Path(scratch)),
            train_dataset=_rows(order.train),
            eval_dataset=_rows(order.validation) if order.validation else None,
            processing_class=tokenizer,
            peft_config=LoraConfig(
                r=order.recipe.rank, lora_alpha=order.recipe.alpha, lora_dropout=order.recipe.dropout,
                target_modules="all-linear", task_type="CAUSAL_LM",
            ),
        )  # fmt: skip
        before = _loss(trainer) if order.validation else None
        trainer.train()
        after = _loss(trainer) if order.validation else None
        trainer.model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    losses = tuple(float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry)
    return losses, (before, after) if before is not None and after is not None else None


def _settings(recipe: Recipe, scratch: Path) -> SFTConfig:
    cuda = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(scratch), seed=recipe.seed, num_train_epochs=recipe.epochs, learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.batch, per_device_eval_batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.accumulate, lr_scheduler_type="cosine", warmup_steps=0.03,
        max_length=None, packing=False, completion_only_loss=True, logging_steps=1, save_strategy="no",
        report_to="none", push_to_hub=False, bf16=cuda, use_cpu=not cuda, gradient_checkpointing=cuda,
    )  # fmt: skip


def _rows(file: TrainingFile) -> Dataset:
    rows: Sequence[Any] = [chat_row(row) for row in file.rows]
    return Dataset.from_list(rows)


def _loss(trainer: SFTTrainer) -> float:
    return float(trainer.evaluate()["eval_loss"])


def _card(order: LoraOrder, made: Adapter) -> dict[str, Any]:
    return {
        "name": made.name,
        "node": order.node,
        "base": order.base,
        "prompt_fingerprint": order.prompt_fingerprint,
        "rows_hash": order.train.sha256,
        "rows": len(order.train.rows),
        "recipe": asdict(order.recipe),
        "losses": made.losses,
        "validation_loss": made.validation,
    }
