"""Documents of Converse for Hypothesis: what the wire says, and now and then anything else."""

from typing import Any

from hypothesis import strategies as st

WORDS = st.sampled_from(["", "a", "tool_1", "default", "5m", "1h", "user", "type", "\u00fc \u2028"])
SCALARS = st.one_of(
    WORDS, st.booleans(), st.integers(-(10**20), 10**20), st.floats(-1e9, 1e9), st.none()
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)


def either(shape: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what the wire says, sometimes anything."""
    return st.integers(0, 7).flatmap(lambda number: shape if number else ANY)


def an_object(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with these members, of which names that end in an underscore may be absent."""
    optional = {name[:-1]: shape for name, shape in members.items() if name.endswith("_")}
    needed = {name: shape for name, shape in members.items() if not name.endswith("_")}
    return st.fixed_dictionaries(needed, optional=optional)


def more(shape: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with members that the wire does not know."""
    odd = st.dictionaries(st.sampled_from(["odd", "error", "context"]), ANY, max_size=1)
    return st.builds(lambda own, added: {**added, **own}, shape, odd)


def media(*formats: str) -> st.SearchStrategy[Any]:
    """An image, a sound or a document."""
    source = either(an_object(bytes=st.sampled_from(["aGk=", "", "!"])))
    form = either(st.sampled_from(formats))
    return either(more(an_object(format=form, source=source, name_=either(WORDS))))


TEXT = an_object(text=either(WORDS))
IMAGE = an_object(image=media("png", "jpeg"))
FILE = an_object(document=media("pdf", "txt", "docx"))
POINT = either(
    an_object(type=either(st.just("default")), ttl_=either(st.sampled_from(["5m", "1h"])))
)
RESULT = more(
    an_object(
        toolUseId=either(WORDS),
        content=either(
            st.lists(st.one_of(TEXT, IMAGE, FILE, an_object(json=ANY), ANY), max_size=3)
        ),
        status_=either(st.sampled_from(["error", "success"])),
    )
)
USED = more(
    an_object(
        toolUseId=either(WORDS),
        name=either(WORDS),
        input=ANY,
        type_=st.just("server_tool_use"),
    )
)
THOUGHT = st.one_of(
    an_object(redactedContent=st.sampled_from(["aGk=", "aGl=", "/w=="])),
    an_object(reasoningText=either(more(an_object(text=either(WORDS), signature_=either(WORDS))))),
)
TEXTS = either(st.lists(TEXT, max_size=2))
PLACE = either(an_object(web=either(an_object(url=either(WORDS)))))
CITATION = an_object(title=either(WORDS), sourceContent=TEXTS, location=PLACE)
CITED = an_object(content=TEXTS, citations=either(st.lists(either(CITATION), max_size=2)))
BLOCK = either(
    st.one_of(
        TEXT,
        TEXT,
        IMAGE,
        FILE,
        an_object(audio=media("wav", "mp3")),
        an_object(cachePoint=POINT),
        an_object(toolUse=either(USED)),
        an_object(toolResult=either(RESULT)),
        an_object(reasoningContent=either(THOUGHT)),
        an_object(citationsContent=either(CITED)),
        an_object(text=WORDS, image=st.none()),
        an_object(guardContent=ANY),
    )
)
MESSAGE = more(
    an_object(
        role=st.sampled_from(["user", "assistant", "system", "robot"]),
        content=st.lists(BLOCK, max_size=5),
    )
)
SPEC = more(
    an_object(
        name=either(WORDS),
        inputSchema=either(an_object(json=either(st.just({"type": "object"})))),
        description_=either(WORDS),
        strict_=either(st.booleans()),
    )
)
TOOL = either(
    st.one_of(
        an_object(toolSpec=either(SPEC)),
        an_object(cachePoint=POINT),
        an_object(systemTool=ANY),
    )
)
CHOICE = either(
    st.sampled_from([{"auto": {}}, {"any": {}}, {"tool": {"name": "a"}}, {"any": {"odd": 1}}])
)
CONFIG = more(
    an_object(
        maxTokens_=st.integers(1, 9),
        temperature_=st.floats(0, 1),
        topP_=st.sampled_from([0, 1, 0.5, None]),
        stopSequences_=st.lists(WORDS, max_size=2),
    )
)
FORM = {"textFormat": {"structure": {"jsonSchema": {"schema": '{"type": 1}', "name": "n"}}}}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
DOCUMENT = more(
    an_object(
        messages=st.lists(MESSAGE, min_size=1, max_size=4),
        system_=st.lists(BLOCK, max_size=3),
        inferenceConfig_=CONFIG,
        toolConfig_=more(an_object(tools_=st.lists(TOOL, max_size=4), toolChoice_=CHOICE)),
        outputConfig_=either(st.just(FORM)),
        additionalModelRequestFields_=either(st.just(THINKING)),
        serviceTier_=either(st.just({"type": "flex"})),
        requestMetadata_=either(st.just({"team": "a"})),
        guardrailConfig_=ANY,
        promptVariables_=ANY,
    )
)
