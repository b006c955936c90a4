// Bun's server for the comparison: its WebSockets are uWebSockets with a native publish; its event streams are written one by one.
const streams = new Map();

function stream(topic) {
  let gone;
  const body = new ReadableStream({
    type: "direct",
    async pull(controller) {
      const readers = streams.get(topic) ?? streams.set(topic, new Set()).get(topic);
      readers.add(controller);
      controller.write(":\n\n");
      controller.flush();
      await new Promise((resolve) => (gone = resolve));
      readers.delete(controller);
    },
    cancel() {
      gone?.();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request, server) {
    const url = new URL(request.url);
    const topic = url.searchParams.get("topic");
    if (request.method === "POST") {
      const text = await request.text();
      server.publish(topic, text);
      const readers = streams.get(topic);
      if (readers) {
        const event = `data: ${text}\n\n`;
        for (const reader of readers) {
          reader.write(event);
          reader.flush();
        }
      }
      return new Response("ok");
    }
    if (request.headers.get("upgrade")) {
      return server.upgrade(request, { data: { topic } }) ? undefined : new Response("", { status: 400 });
    }
    return stream(topic);
  },
  websocket: {
    idleTimeout: 0,
    perMessageDeflate: false,
    sendPings: false,
    open(socket) {
      socket.subscribe(socket.data.topic);
    },
    message() {},
  },
});
console.log(`listening on port ${server.port}`);
