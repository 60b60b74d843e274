"""Face finding and bib reading on single pictures, with the fetched models or your own."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from eventlens import _core, model_fetch
from eventlens._core import Bib, BibRead, Face, ModelStore
from eventlens.results import Pixels

Manifests = Sequence[str | PathLike[str]]


def manifest_paths(extra: Manifests = ()) -> list[Path]:
    """The fetched models' manifest, then the user's own."""
    return [model_fetch.default_folder() / "manifest.json", *(Path(path) for path in extra)]


def open_models(manifests: Manifests = (), *, precision: str = "auto", threads: int = 0) -> ModelStore:
    """Open the fetched models, and those of your own manifests beside them.

    Args:
        manifests: Manifest files of your own; see docs/your-own-model.md.
        precision: "auto" (bf16 where the CPU has it), "f32" or "bf16".
        threads: Images recognised at once, one core each; 0: every core.

    Raises:
        NotFoundError: the models were not fetched yet.
    """
    return _opened(tuple(manifest_paths(manifests)), precision, threads)


@functools.lru_cache(maxsize=8)
def _opened(manifests: tuple[Path, ...], precision: str, threads: int) -> ModelStore:
    return ModelStore(list(manifests), precision=precision, threads=threads)


class FaceFinder:
    """Finds faces and describes each with an embedding. Models load here, once; thread safe.

    Args:
        models: From open_models(); None: the fetched ones.
        min_confidence: Detections below are dropped, 0 to 1.
        embedder: Name of the embedding model; empty: the default. `eventlens models list` shows the names.
    """

    def __init__(
        self,
        *,
        models: ModelStore | None = None,
        min_confidence: float | None = None,
        embedder: str = "",
    ) -> None:
        options = {} if min_confidence is None else {"min_confidence": min_confidence}
        self._core = _core.FaceFinder(models or open_models(), embedder=embedder, **options)

    @property
    def embedder(self) -> str:
        """The embedding model's name; embeddings of two models must not be compared."""
        return self._core.embedder

    def find(self, rgb: Pixels) -> list[Face]:
        """Faces in an image, largest first; an image without any is an empty list.

        Args:
            rgb: uint8 (height, width, 3) or (height, width), C-contiguous; borrowed, not copied.

        Raises:
            BadInputError: another shape. TypeError: another dtype or not contiguous.
        """
        return self._core.find(rgb)

    def find_in_selfie(self, rgb: Pixels) -> list[Face]:
        """As find(); a face that fills the frame is looked for again in a padded, smaller view."""
        return self._core.find_in_selfie(rgb)


class BibReader:
    """Finds and reads the numbers on runners. Models load here, once; thread safe.

    Args:
        models: From open_models(); None: the fetched ones.
        reader: "paddle", or "tesseract", the reader of last resort.
    """

    def __init__(self, *, models: ModelStore | None = None, reader: str = "paddle") -> None:
        self._models = models or open_models()
        self._core = _core.BibReader(self._models, reader=reader)

    @functools.cached_property
    def _faces(self) -> FaceFinder:
        return FaceFinder(models=self._models)

    def read(
        self,
        rgb: Pixels,
        faces: Sequence[Face] | None = None,
        *,
        pattern: str = r"\d{2,5}",
        roster: Sequence[str] = (),
    ) -> list[Bib]:
        r"""Bibs in an image, surest first.

        Args:
            rgb: uint8 (height, width, 3) or (height, width), C-contiguous; borrowed, not copied.
            faces: Those of FaceFinder.find(rgb); None: they are found here.
            pattern: Regular expression for the whole text, ignoring case.
            roster: Valid bibs; empty: unknown.
        """
        reads = self.read_text(rgb, faces)
        return _core.interpret_bibs(reads, pattern=pattern, roster=[bib.upper() for bib in roster])

    def read_text(self, rgb: Pixels, faces: Sequence[Face] | None = None) -> list[BibRead]:
        """Everything legible that could be a bib, before any pattern is applied."""
        return self._core.read_text(rgb, list(self._faces.find(rgb) if faces is None else faces))
