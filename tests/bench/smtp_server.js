// What one writes first in Node.js: smtp-server in front of the AWS SDK. No DKIM, no queue, no policy.
// `node smtp_server.js MODULES URL`: where npm put the packages, and where SES is. Prints its port.
const need = require("node:module").createRequire(process.argv[2] + "/");
const { SMTPServer } = need("smtp-server");
const { SESClient, SendRawEmailCommand } = need("@aws-sdk/client-ses");

const ses = new SESClient({ region: "eu-west-1", endpoint: process.argv[3] });

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  onData(stream, session, done) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      const request = {
        Source: mailFrom.address,
        Destinations: rcptTo.map((recipient) => recipient.address),
        RawMessage: { Data: Buffer.concat(chunks) },
      };
      ses.send(new SendRawEmailCommand(request)).then(
        (answer) => done(null, `Ok ${answer.MessageId}`),
        (problem) => done(problem),
      );
    });
  },
});
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
