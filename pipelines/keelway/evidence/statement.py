"""What is said about a digest, as an in-toto statement (in-toto attestation framework, v1).

Example:
    >>> from keelway.model.evidence import PredicateType, Statement, Subject
    >>> from keelway.model.image import Digest
    >>> subject = Subject(
    ...     image="orders", platform=None, digest=Digest("sha256:ab"), repositories=("r/orders",)
    ... )
    >>> said = Statement(
    ...     subject=subject, predicate_type=PredicateType.COSIGN_SIGNATURE, predicate={}
    ... )
    >>> statement_text(said)[:46]
    '{"_type":"https://in-toto.io/Statement/v1","su'
"""

from __future__ import annotations

import json

from keelway.model.evidence import PredicateType, Statement, Subject

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


def statement_text(statement: Statement) -> str:
    """Return the statement's JSON; the same statement gives the same text."""
    algorithm, _, value = statement.subject.digest.partition(":")
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": statement.subject.image, "digest": {algorithm: value}}],
        "predicateType": statement.predicate_type.value,
        "predicate": statement.predicate,
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, sort_keys=False)


def signature_of(subject: Subject) -> Statement:
    """Return the statement that is a signature: this digest is ours (cosign, bundle form)."""
    return Statement(subject=subject, predicate_type=PredicateType.COSIGN_SIGNATURE, predicate={})
