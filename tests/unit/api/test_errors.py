"""Errors as gRPC statuses."""

import logging

import grpc
import pytest

from orlop.api.errors import CODES, REASONS, TEXT_LIMIT, status_of
from orlop.model import errors as model


def test_every_domain_error_has_its_code() -> None:
    kinds = {kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, model.OrlopError)}
    assert kinds == set(CODES)
    for kind in kinds:
        status = status_of(kind("the pod is gone"))
        reason = f"{REASONS[kind]}: " if kind in REASONS else ""
        assert (status.code, status.text) == (CODES[kind], f"{reason}the pod is gone")


def test_reasons_that_the_kubelet_looks_for_come_first_and_with_the_code_unknown() -> None:
    # With any other code its client puts "rpc error: code = …" in front, and no reason is found.
    assert {status_of(kind("x")).code for kind in REASONS} == {grpc.StatusCode.UNKNOWN}
    assert status_of(model.SignatureValidationFailed("no key")).text == "SignatureValidationFailed: no key"
    assert status_of(model.RegistryUnavailable("no answer")).text == "RegistryUnavailable: no answer"
    assert status_of(model.ImageVolumeMountFailed("no path")).text == "ImageVolumeMountFailed: no path"


def test_a_kind_of_a_domain_error_keeps_its_code() -> None:
    class Special(model.NotFound):
        pass

    assert status_of(Special("x")).code is grpc.StatusCode.NOT_FOUND


def test_an_unexpected_error_is_logged_under_a_reference(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status = status_of(KeyError("lost"))
    assert status.code is grpc.StatusCode.INTERNAL
    [record] = caplog.records
    reference = record.getMessage().rsplit(" ", 1)[-1]
    assert reference in status.text
    assert "KeyError: 'lost'" in status.text
    assert record.exc_info is not None


def test_a_long_text_keeps_begin_and_end() -> None:
    text = status_of(model.OrlopError("pod a/b: " + "x" * 9000 + ": no space left")).text
    assert text.startswith("pod a/b: ") and text.endswith(": no space left")
    assert len(text) <= TEXT_LIMIT + 3
