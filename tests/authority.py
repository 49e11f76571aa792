"""A certificate authority for tests: signs certificates of servers and of clients, as PEM files."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


def new_key(kind="ecdsa"):
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs; its own certificate is `path`."""

    def __init__(self, folder, name="Test Authority"):
        self.folder = folder
        self.name = common_name(name)
        self.key = new_key()
        self.path = folder / f"{name.replace(' ', '-')}.pem"
        own = self._builder(self.name, self.key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.path.write_bytes(own.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def _builder(self, subject, public):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    def sign(self, name, *alternatives, kind="ecdsa"):
        """Sign a new key; gives the certificate's path, the key's path, and the fingerprint."""
        key = new_key(kind)
        builder = self._builder(common_name(name), key.public_key())
        if alternatives:
            names = x509.SubjectAlternativeName(alternatives)
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        paths = self.folder / f"{name}-{kind}.pem", self.folder / f"{name}-{kind}.key"
        paths[0].write_bytes(certificate.public_bytes(PEM))
        paths[1].write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        paths[1].chmod(0o600)
        return *paths, certificate.fingerprint(hashes.SHA256()).hex()
