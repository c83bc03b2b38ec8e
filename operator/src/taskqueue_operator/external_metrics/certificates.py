"""The serving certificate of the metric server, and the authority that signs it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=90)
_RENEWED_AFTER = 2 / 3
_CLOCK_SKEW = timedelta(hours=1)
_PEM = serialization.Encoding.PEM
_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM.

    authorities: the signer of this certificate, then its predecessor, whose certificate other replicas may still serve.
    """

    certificate: bytes
    key: bytes
    authorities: bytes


def make(names: Sequence[str], now: datetime, before: bytes = b"") -> Pair:
    """Make an authority, whose key is discarded, and a certificate for DNS names. before: the former authorities."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("taskqueue-external-metrics-ca")
    authority = (
        _builder(issuer, issuer, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name("taskqueue-external-metrics"), issuer, key, now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    last = [old.public_bytes(_PEM) for old in _read(before)[:1] if old.not_valid_after_utc > now]
    return Pair(certificate.public_bytes(_PEM), private, b"".join([authority.public_bytes(_PEM), *last]))


def fault(pair: Pair, names: Sequence[str], now: datetime) -> str | None:
    """Return the reason to replace a pair; None if it is valid for these names and a third of its life is left."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, None)
        authority = _read(pair.authorities)[0]
        certificate.verify_directly_issued_by(authority)
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception as error:  # noqa: BLE001 - any content of the Secret
        return f"unreadable: {type(error).__name__}"
    if key.public_key() != certificate.public_key():
        return "its key belongs to another certificate"
    if set(extension.value.get_values_for_type(x509.DNSName)) != set(names):
        return f"its names must be {', '.join(names)}"
    begins = certificate.not_valid_before_utc
    if now > begins + (certificate.not_valid_after_utc - begins) * _RENEWED_AFTER:
        return "two thirds of its life are over"
    return None


def _read(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCK_SKEW)
        .not_valid_after(now.astimezone(UTC) + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
