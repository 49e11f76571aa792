"""README's settings for clients, each run as it stands in its own language against a real relay.

Nothing is changed but names: the host, the port, the user and the addresses.
"""

import sys

import pytest
from front import RECIPIENT, SENDER, USER, fronting, run
from markdown_pages import blocks
from programs import java_with, node_with, php_with, program
from smtp_fakes import PASSWORD


@pytest.fixture
async def front(tmp_path):
    async with fronting(tmp_path) as opened:
        yield opened


def settings(language, front):
    """Give README's block with the names of this test in it."""
    (block,) = [block for block in blocks("README.md") if block.kind == f"client: {language}"]
    text = block.text
    assert "relay.example.com" in text
    assert "587" in text
    names = {
        "relay.example.com": "localhost",
        "587": str(front.port),
        "shop": USER,
        "orders@example.com": SENDER,
        "you@example.org": RECIPIENT,
    }
    for name, ours in names.items():
        text = text.replace(name, ours)
    return text


async def sent(front, subject, *command, **environment):
    ran = await run(*command, RELAY_PASSWORD=PASSWORD, **environment)
    assert ran.code == 0, ran.said
    await front.took(subject)


async def test_python(front):
    text = settings("python", front)
    await sent(
        front, "Your order", sys.executable, "-c", text, SSL_CERT_FILE=str(front.certificate)
    )


JAVA = """\
import jakarta.mail.*;
import jakarta.mail.internet.*;
import java.io.FileReader;
import java.util.Properties;

class Send {
  public static void main(String[] args) throws Exception {
    var settings = new Properties();
    settings.load(new FileReader(args[0]));
    var session = Session.getInstance(settings, new Authenticator() {
      protected PasswordAuthentication getPasswordAuthentication() {
        return new PasswordAuthentication(args[1], System.getenv("RELAY_PASSWORD"));
      }
    });
    var message = new MimeMessage(session);
    message.setFrom(args[2]);
    message.setRecipients(Message.RecipientType.TO, args[3]);
    message.setSubject("Jakarta Mail");
    message.setText("It works.");
    Transport.send(message);
  }
}
"""


async def test_java(front, tmp_path):
    java, classes = java_with("jakarta-mail", "jakarta-activation")
    (tmp_path / "mail.properties").write_text(settings("java", front))
    (tmp_path / "Send.java").write_text(JAVA)
    trusted = tmp_path / "trusted"
    imported = await run(
        *(program("keytool"), "-importcert", "-noprompt", "-alias", "relay"),
        *("-keystore", trusted, "-storepass", "changeit", "-file", front.certificate),
    )
    assert imported.code == 0, imported.said
    await sent(
        *(front, "Jakarta Mail", java, "-cp", classes, f"-Djavax.net.ssl.trustStore={trusted}"),
        "-Djavax.net.ssl.trustStorePassword=changeit",
        *(tmp_path / "Send.java", tmp_path / "mail.properties", USER, SENDER, RECIPIENT),
    )


PHP = """\
require_once 'libphp-phpmailer/autoload.php';
{settings}
$mail->setFrom($argv[1]);
$mail->addAddress($argv[2]);
$mail->Subject = 'PHPMailer';
$mail->Body = 'It works.';
$mail->send();
"""


async def test_php(front):
    php = php_with("libphp-phpmailer/autoload.php")
    program_text = PHP.format(settings=settings("php", front))
    await sent(
        *(front, "PHPMailer", php, "-d", f"openssl.cafile={front.certificate}"),
        *("-r", program_text, "--", SENDER, RECIPIENT),
    )


NODE = """\
{settings}
const [from, to] = process.argv.slice(1);
transport.sendMail({{from, to, subject: 'nodemailer', text: 'It works.'}});
"""


async def test_node(front):
    node, modules = node_with("nodemailer")
    await sent(
        *(front, "nodemailer", node, "-e", NODE.format(settings=settings("node", front))),
        *(SENDER, RECIPIENT),
        NODE_PATH=str(modules),
        NODE_EXTRA_CA_CERTS=str(front.certificate),
    )
