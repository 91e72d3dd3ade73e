// Ask one streamed question with the Node SDK; prints the text as it came in and the final message, as one line of JSON.
// Usage: node ask.mjs BASE_URL QUESTION, in the folder that holds node_modules.
import { createRequire } from "node:module";

const Anthropic = createRequire(`${process.cwd()}/`)("@anthropic-ai/sdk").default;
const [baseURL, question] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: "dummy" });

let streamed = "";
const stream = client.messages.stream({
  model: "claude-test",
  max_tokens: 1000,
  tools: [{ name: "Bash", description: "Run a command", input_schema: { type: "object", properties: {} } }],
  messages: [{ role: "user", content: question }],
});
stream.on("text", (text) => {
  streamed += text;
});
const message = await stream.finalMessage();
console.log(JSON.stringify({ streamed, content: message.content }));
