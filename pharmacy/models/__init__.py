"""Language models: the registry, the OpenAI-compatible adapter, limits, prices, local models."""
