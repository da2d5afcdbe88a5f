"""The parts of what Kith says in words, in GraphQL: programs act on codes, and clients translate texts."""

import strawberry

from graph.domain.access.scopes import ANY
from graph.domain.model.sentences import IDENTIFIERS, MessageCode, Sentence, sentence_of
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.types.identifier import IdentifierRef

describe_enum(
    MessageCode,
    "MessageCode",
    "What a message says, with its text in English. The names in braces are those of its parameters. Later versions "
    "may add codes.",
    **{code.name: f"`{code.value}`" for code in MessageCode},
)


@requires(ANY)
@strawberry.type(description="A parameter of a message.")
class MessageParameter:
    """A parameter in GraphQL."""

    name: str = strawberry.field(description="The name of the parameter in the text of the code. E.g. `limit`.")
    value: str = strawberry.field(
        description="What the text has in its place. Values that the caller may not read are masked. E.g. `1`."
    )
    identifier: IdentifierRef | None = strawberry.field(
        description="The identifier, if the parameter is one. Null for other parameters."
    )


@requires(ANY)
@strawberry.type(description="The parts of a message, from which clients can make texts in other languages.")
class MessageParts:
    """The parts of a message in GraphQL."""

    code: MessageCode = strawberry.field(description="What the message says.")
    parameters: list[MessageParameter] = strawberry.field(
        description="The parameters of the code, in the order of its text. A parameter that is a message itself is "
        "followed by those of that message."
    )

    @classmethod
    def of(cls, text: str) -> "MessageParts":
        """Return the parts of a sentence, or of a text of a store."""
        sentence = sentence_of(text) or Sentence(MessageCode.FREE_TEXT, text=text)
        return cls(code=sentence.code, parameters=_parameters(sentence))


PARTS = "The message as a code and parameters, for programs and translations."


def _parameters(sentence: Sentence) -> list[MessageParameter]:
    parameters: list[MessageParameter] = []
    for name, value in sentence.parameters.items():
        is_key = name in IDENTIFIERS and isinstance(value, str) and "=" in value
        identifier = IdentifierRef.of(value) if is_key else None  # type: ignore[arg-type]
        parameters.append(MessageParameter(name=name, value=str(value), identifier=identifier))
        if isinstance(value, Sentence):
            parameters += _parameters(value)
    return parameters
