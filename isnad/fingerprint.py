"""What a model was trained on, as one number: SHA-256 over the labels of train and dev.

No text goes in (sentences enter by their SHA-1), so the fingerprint can be had without the newspaper articles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from isnad.examples import COMPOSED, Document, read_documents, read_splits

SPLITS = ("train", "dev")


def data_fingerprint(documents: Mapping[str, Sequence[Document]]) -> str:
    """SHA-256 of every sentence of `documents`, by split, with its label, split and spans; their order is no matter."""
    digest = sha256()
    for split, members in sorted(documents.items()):
        for d in sorted(members, key=lambda d: d.key):
            for u in d.units:
                digest.update(
                    repr((split, d.key, u.start, u.end, u.sha1, u.label, u.attributed, u.source, u.cue)).encode()
                )
    return digest.hexdigest()


def fingerprint_of(data: Path, *, news: bool = True) -> str:
    """That of a run on the folder `data` as it is now; without `news`, that of a run that had no newspaper text.

    Raises IsnadError where the folder is not whole.
    """
    owner = read_splits(data / "splits")
    by_split: dict[str, list[Document]] = {split: [] for split in SPLITS}
    for d in read_documents(sorted(data.glob("composed/*.jsonl")) + sorted(data.glob("news/*.jsonl"))):
        split = owner.get(d.key)
        if split in SPLITS and (news or d.corpus == COMPOSED):
            by_split[split].append(d)
    return data_fingerprint(by_split)
