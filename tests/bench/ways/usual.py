"""The usual way: LangGraph with ChatOpenAI and `with_structured_output`, step after step, without durability."""

import json
from typing import Any, TypedDict

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, SecretStr

from pharmacy.domain.model import Prompt
from tests.bench.ways import cpu
from tests.bench.ways.steps import DRAFTS, Steps

MODEL = "gpt-4o-2024-08-06"


class State(TypedDict, total=False):
    """What goes from node to node."""

    number: int
    drafts: list[str]
    reasons: str
    clears: bool


class Usual:
    """A graph of five nodes, each of which asks a model for its schema."""

    def __init__(self, steps: Steps, url: str, *, streaming: bool = False) -> None:
        self._steps = steps
        self._chat = ChatOpenAI(
            model=MODEL, base_url=url, api_key=SecretStr("sk-bench"), max_retries=0, streaming=streaming,
            stream_usage=True,
        )  # fmt: skip
        self._asked: dict[type[BaseModel], Any] = {}
        graph = StateGraph(State)
        for name in ("classify", "switch_phase", "generate", "judge"):
            graph.add_node(name, getattr(self, f"_{name}"))
        graph.add_edge(START, "classify")
        graph.add_edge("classify", "switch_phase")
        graph.add_edge("switch_phase", "generate")
        graph.add_edge("generate", "judge")
        graph.add_conditional_edges("judge", self._after_judge, ["generate", END])
        self._graph = graph.compile()

    async def answer(self, number: int) -> None:
        """Take message `number` through the graph."""
        await self._graph.ainvoke({"number": number, "drafts": [], "reasons": ""})

    cpu_seconds = staticmethod(cpu.own)

    async def aclose(self) -> None:
        """Nothing to close that the process would not."""

    async def _ask(self, prompt: Prompt, schema: type[BaseModel]) -> Any:
        if schema not in self._asked:  # built once, which is more than many programs do
            self._asked[schema] = self._chat.with_structured_output(schema)
        return await self._asked[schema].ainvoke([SystemMessage(prompt.system), HumanMessage(prompt.user)])

    async def _classify(self, state: State) -> State:
        await self._ask(*self._steps.classify(state["number"]))
        return {}

    async def _switch_phase(self, state: State) -> State:
        await self._ask(*self._steps.switch_phase(state["number"]))
        return {}

    async def _generate(self, state: State) -> State:
        said = json.dumps(state["drafts"], ensure_ascii=False)
        written = await self._ask(*self._steps.generate(state["number"], said, state["reasons"]))
        return {"drafts": [*state["drafts"], written.reply]}

    async def _judge(self, state: State) -> State:
        verdict = (await self._ask(*self._steps.judge(state["number"], state["drafts"][-1]))).model_dump()
        reasons = "\n".join(one["reason"] for one in verdict.values())
        return {"clears": self._steps.clears(verdict), "reasons": reasons}

    async def _after_judge(self, state: State) -> str:
        return END if state["clears"] or len(state["drafts"]) >= DRAFTS else "generate"
