"""A strict OpenID Connect provider on loopback, for tests."""

from tests.fakes.oidc_server.fake import OidcFake

__all__ = ["OidcFake"]
