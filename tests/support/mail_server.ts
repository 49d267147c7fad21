/** Servers of mail that a real client logs in to: SMTP and IMAP, as far as a login and a goodbye. */

/** A server of a test. */
export interface MailServer extends Disposable {
  readonly port: number;
  /** Lines of the client, in their order. */
  readonly lines: readonly string[];
}

/** Answers of a server: a greeting, and what it says to a line; `undefined` ends the connection. */
interface Talk {
  readonly greeting: string;
  readonly answer: (line: string) => { readonly text: string; readonly ends?: boolean };
}

const SMTP: Omit<Talk, "answer"> = { greeting: "220 test ESMTP\r\n" };
const IMAP: Omit<Talk, "answer"> = { greeting: "* OK IMAP4rev1\r\n" };

/** Takes the mail of whoever brings this base64 text with AUTH PLAIN. */
export function startSmtp(wanted: string): MailServer {
  let isInMail = false;
  const answer = (line: string): ReturnType<Talk["answer"]> => {
    if (isInMail) {
      isInMail = line !== ".";
      return { text: isInMail ? "" : "250 ok\r\n" };
    }
    if (line.startsWith("EHLO")) return { text: "250-test\r\n250 AUTH PLAIN\r\n" };
    if (line.startsWith("AUTH PLAIN")) {
      return { text: line === `AUTH PLAIN ${wanted}` ? "235 welcome\r\n" : "535 refused\r\n" };
    }
    isInMail = line === "DATA";
    if (isInMail) return { text: "354 go on\r\n" };
    return { text: line === "QUIT" ? "221 bye\r\n" : "250 ok\r\n", ends: line === "QUIT" };
  };
  return listen({ ...SMTP, answer });
}

/** Lists one empty mailbox to whoever logs in with these words. */
export function startImap(user: string, password: string): MailServer {
  const answer = (line: string): ReturnType<Talk["answer"]> => {
    const [tag, command = "", ...words] = line.split(" ");
    const verb = command.toUpperCase();
    if (verb === "CAPABILITY") return { text: `* CAPABILITY IMAP4rev1\r\n${tag} OK\r\n` };
    if (verb === "LOGIN") {
      const isRight = words.join(" ") === `"${user}" "${password}"`;
      return { text: `${tag} ${isRight ? "OK" : "NO refused"}\r\n` };
    }
    if (verb === "LIST") return { text: `* LIST () "/" INBOX\r\n${tag} OK\r\n` };
    if (verb === "LOGOUT") return { text: `* BYE\r\n${tag} OK\r\n`, ends: true };
    return { text: `${tag} OK\r\n` };
  };
  return listen({ ...IMAP, answer });
}

function listen({ greeting, answer }: Talk): MailServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const lines: string[] = [];
  const serve = async (connection: Deno.Conn): Promise<void> => {
    const write = (text: string): Promise<number> =>
      connection.write(new TextEncoder().encode(text));
    try {
      await write(greeting);
      let held = "";
      for await (const chunk of connection.readable.pipeThrough(new TextDecoderStream())) {
        held += chunk;
        for (let end = held.indexOf("\n"); end !== -1; end = held.indexOf("\n")) {
          const line = held.slice(0, end).trimEnd();
          held = held.slice(end + 1);
          lines.push(line);
          const { text, ends = false } = answer(line);
          if (text !== "") await write(text);
          if (ends) return;
        }
      }
    } catch { // the client is gone
    } finally {
      try {
        connection.close();
      } catch { /* by the client */ }
    }
  };
  const accept = async (): Promise<void> => {
    for await (const connection of listener) await serve(connection);
  };
  const accepting = accept();
  accepting.catch(() => {});
  const { port } = listener.addr as Deno.NetAddr;
  return { port, lines, [Symbol.dispose]: () => listener.close() };
}
