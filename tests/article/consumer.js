// The article's consumer: the carrier is the JSON of the message's value.
//
//   node consumer.js BOOTSTRAP KEY
//
// Reads topic `report` from its beginning until the message with this key, prints the span that it makes of
// it as a line of JSON, and ends.
import { ROOT_CONTEXT, SpanKind, propagation } from "@opentelemetry/api";
import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import { tracer } from "./tracing.js";

const [bootstrap, wanted] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "article", brokers: [bootstrap], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `article-${randomUUID()}` });

const found = new Promise((resolve, reject) => {
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  consumer
    .connect()
    .then(() => consumer.subscribe({ topic: "report", fromBeginning: true }))
    .then(() =>
      consumer.run({
        eachMessage: async ({ message }) => {
          if (message.key?.toString() !== wanted) return;
          const carrier = JSON.parse(message.value.toString());
          const context = propagation.extract(ROOT_CONTEXT, carrier);
          const span = tracer.startSpan("report_consumer", { kind: SpanKind.CONSUMER }, context);
          span.end();
          resolve(span);
        },
      }),
    )
    .catch(reject);
});

const span = await found;
console.log(
  JSON.stringify({
    traceId: span.spanContext().traceId,
    parentId: span.parentSpanContext.spanId,
    parentIsRemote: span.parentSpanContext.isRemote,
  }),
);
await consumer.disconnect();
process.exit(0);
