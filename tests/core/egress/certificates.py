"""Certificates of the tests' own: an authority, and what it (or nobody) vouches for."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """It signs the certificates of receivers; `file` is what clients trust."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("An authority of the tests")
        made = _builder(self.name, self.name, self.key, 30 * DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(_pem(made.sign(self.key, hashes.SHA256())))

    def server(
        self, *hosts: str, lasts: timedelta = DAY, is_self_signed: bool = False
    ) -> ssl.SSLContext:
        """What a receiver that is called by these names or addresses shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(hosts[0])
        issuer, signer = (subject, key) if is_self_signed else (self.name, self.key)
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        made = _builder(subject, issuer, key, lasts).add_extension(names, critical=False)
        file = self.folder / f"{hosts[0]}-{made_up_number()}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(private + _pem(made.sign(signer, hashes.SHA256())))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def made_up_number() -> int:
    """A certificate's number."""
    return x509.random_serial_number()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(made_up_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(now + lasts)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
