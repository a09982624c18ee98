"""One pull: which repositories are asked for an image, with whose credentials, and what happens when one fails.

Where they are is in registries; what is fetched, and how, in resolve and install.
"""

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from orlop.engine.images.authfiles import AuthFiles
from orlop.engine.images.credentials import ANONYMOUS, Credentials, are_for, from_auth_config
from orlop.engine.images.install import Installer
from orlop.engine.images.policy.checking import Candidate, Checker
from orlop.engine.images.progress import Progress, Watched
from orlop.engine.images.reference import Reference
from orlop.engine.images.registries.rules import Endpoint
from orlop.engine.images.remote import Remote
from orlop.engine.images.resolve import resolve
from orlop.model.errors import (
    DataLoss,
    InvalidArgument,
    NotFound,
    OrlopError,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from orlop.model.image import AuthConfig, ImageRecord

log = logging.getLogger(__name__)

_ASK_THE_NEXT = (Unavailable, NotFound, Unauthenticated, DataLoss, InvalidArgument, Unsupported)
"""Failures that are one repository's own. A full disk or a missing signature is not mended by asking another."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, and by whom."""

    asked: str
    """As the request names it."""
    names: tuple[Reference, ...]
    """What it may mean, best first."""
    auth: AuthConfig | None = None
    namespace: str = ""
    """Of the pod, where that makes a difference."""

    @property
    def key(self) -> Hashable:
        """Requests with the same one are one pull."""
        return (self.names, self.asked if self.namespace else "", self.auth, self.namespace)


class Puller:
    """Pulls images. The number of downloads and the joining of equal pulls are not its business."""

    def __init__(
        self,
        remote: Remote,
        installer: Installer,
        auth_files: AuthFiles,
        checker: Checker,
        *,
        progress_timeout: float = 0.0,
    ) -> None:
        """`progress_timeout`: seconds without a byte until the next repository is asked; 0: for ever."""
        self._progress_timeout = progress_timeout
        self._remote = remote
        self._checker = checker
        self._installer = installer
        self._auth_files = auth_files

    def wanted(self, asked: str, auth: AuthConfig | None, namespace: str) -> Wanted:
        """What a request asks for. Raises InvalidArgument for a name that means nothing, or too much."""
        matters = self._auth_files.has_namespaces or self._checker.cares_who_asks
        return Wanted(asked, self._remote.registries.rules().names(asked), auth, namespace if matters else "")

    async def pull(self, wanted: Wanted) -> ImageRecord:
        """The image that the first of the names gives. Raises what the last one failed with, and tells all of them."""
        failures: list[OrlopError] = []
        for name in wanted.names:
            try:
                return await self._by_name(name, wanted)
            except _ASK_THE_NEXT as error:
                failures.append(error)
        raise _together(failures)

    async def _by_name(self, name: Reference, wanted: Wanted) -> ImageRecord:
        failures: list[OrlopError] = []
        endpoints = self._remote.registries.rules().endpoints(name)
        for endpoint in endpoints:
            try:
                progress = Progress(self._progress_timeout)
                return await progress.run(self._from(endpoint, name, wanted, progress), str(endpoint.reference))
            except _ASK_THE_NEXT as error:
                failures.append(error)
                if len(failures) < len(endpoints):
                    log.warning("%s from mirror %s: %s; trying the next", name, endpoint.reference.domain, error)
        raise _together(failures)

    async def _from(self, endpoint: Endpoint, name: Reference, wanted: Wanted, progress: Progress) -> ImageRecord:
        repository = await self._remote.repository(endpoint, self._credentials(endpoint, name, wanted))
        source = Watched(repository, progress)
        resolved = await resolve(source, endpoint.reference.target)
        digests = tuple(dict.fromkeys((resolved.manifest_digest, resolved.top_digest)))
        await self._checker.check(Candidate(name, digests, source, self._remote.transport()), wanted.namespace)
        digest = str(name.with_digest(resolved.top_digest))
        # A name with a tag and a digest pins the digest: the tag may have moved on, so it is not taken.
        tags = [] if name.digest else [str(name)]
        return await self._installer.install(resolved, source, tags=tags, names=[digest])

    def _credentials(self, endpoint: Endpoint, name: Reference, wanted: Wanted) -> Credentials:
        """The request's, the namespace's, the configuration's, the node's. A mirror does not get another's."""
        domain = endpoint.reference.domain
        given = ANONYMOUS
        if not endpoint.mirror:
            given = from_auth_config(wanted.auth, name.domain)
        if not given and are_for(wanted.auth, domain):
            given = from_auth_config(wanted.auth, domain)
        host = self._remote.hosts.of(domain)
        return (
            given
            or self._auth_files.of_namespace(wanted.namespace, wanted.asked, endpoint.reference)
            or Credentials(username=host.username, password=host.password)
            or self._auth_files.of_node(endpoint.reference)
        )


def _together(failures: Sequence[OrlopError]) -> OrlopError:
    """The last failure, with the others in its text. Where any may pass, so does the whole."""
    last = failures[-1]
    if len(failures) == 1:
        return last
    kind = Unavailable if any(isinstance(each, Unavailable) for each in failures) else type(last)
    error = kind(f"{last}; before that: {'; '.join(str(each) for each in failures[:-1])}")
    error.__cause__ = last
    return error
