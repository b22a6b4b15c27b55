// A node app that notes each request in the file SEEN and answers with what it noted. argv[2]: its port; argv[3]:
// "lenient" for the parser that forgives.
const fs = require("node:fs");
const http = require("node:http");

const seen = fs.openSync(process.env.SEEN, "a");

// Written at once: it has to be there before the answer is.
function note(method, path, length) {
  const line = JSON.stringify({ method, path, length });
  fs.writeSync(seen, line + "\n");
  return line;
}

function echo(request, response) {
  let length = 0;
  let whole = false;
  request.on("data", (data) => { length += data.length; });
  request.on("end", () => {
    whole = true;
    response.setHeader("Content-Type", "application/json");
    response.end(note(request.method, request.url, length));
  });
  request.on("close", () => { if (!whole) note(request.method, request.url, null); });
  request.on("error", () => {});
}

const server = http.createServer({ insecureHTTPParser: process.argv[3] === "lenient" }, echo);
server.on("clientError", (error, socket) => {
  // What the parser could not read; a connection that ended in the middle of a request is not that.
  if (String(error.code).startsWith("HPE_") && error.code !== "HPE_INVALID_EOF_STATE") note("", error.code, null);
  socket.destroy();
});
server.listen(Number(process.argv[2]), "127.0.0.1");
