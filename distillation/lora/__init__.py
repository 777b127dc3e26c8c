"""A recipe for open-weight students: LoRA adapters by trl and peft, trained on a GPU machine, served by vLLM."""
