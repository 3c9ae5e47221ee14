"""Records of promotions that are beside an image, signed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway.evidence.keeping import keep_unsigned
from keelway.evidence.predicates.promotion import RECORD_TYPE, predicate_of, read_record
from keelway.evidence.promotions import unsigned_records
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.content import serialize
from keelway.verification.verify import prove

if TYPE_CHECKING:
    from keelway.model.image import Digest
    from keelway.model.promotion import PromotionRecord
    from keelway.registry.client import Repository
    from keelway.verification.checks import Proved
    from keelway.verification.verify import VerifySpec


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the records of images in any repository."""

    verify: VerifySpec
    """Whose signatures count."""

    async def records(self, repository: Repository, digest: Digest) -> tuple[PromotionRecord, ...]:
        """Return the records beside a digest, the oldest first.

        Raises:
            PlanError: The key is none, or cosign is missing where an identity is asked for.
            RegistryError: The registry refuses, or bytes were tampered with.
        """
        proved = await prove(repository, self.verify, subject_in(repository, digest))
        return _sorted((*signed_records(proved), *await unsigned_records(repository, digest)))


def subject_in(repository: Repository, digest: Digest) -> Subject:
    """Return what a record in a repository is about."""
    name = repository.name.rpartition("/")[2]
    return Subject(image=name, platform=None, digest=digest, repositories=(repository.name,))


def signed_records(proved: Proved) -> tuple[PromotionRecord, ...]:
    """Return the records whose signatures are good."""
    said = proved.predicates(PredicateType.PROMOTION)
    found = (read_record(one, proved.subject.digest, signed=True) for one in said)
    return tuple(one for one in found if one is not None)


async def keep_record_unsigned(repository: Repository, record: PromotionRecord) -> None:
    """Keep a record that nobody signs as referrer of its image.

    Raises:
        RegistryError: The registry does not take it.
    """
    subject = subject_in(repository, record.digest)
    data = serialize(predicate_of(record))
    epoch = int(record.entry.at.timestamp())
    await keep_unsigned(repository, subject, RECORD_TYPE, data, epoch)


def _sorted(records: tuple[PromotionRecord, ...]) -> tuple[PromotionRecord, ...]:
    return tuple(sorted(records, key=lambda record: record.entry.at))
