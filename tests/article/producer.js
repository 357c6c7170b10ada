// The article's producer: key `report`, the bare carrier as the value, and nothing else.
//
//   node producer.js BOOTSTRAP
//
// Sends one message, prints the span inside which it did as a line of JSON, and ends.
import { ROOT_CONTEXT, SpanKind, propagation, trace } from "@opentelemetry/api";
import { Kafka, Partitioners, logLevel } from "kafkajs";
import { tracer } from "./tracing.js";

const [bootstrap] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "article", brokers: [bootstrap], logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await producer.connect();

const span = tracer.startSpan("report_producer", { kind: SpanKind.PRODUCER }, ROOT_CONTEXT);
const carrier = {};
propagation.inject(trace.setSpan(ROOT_CONTEXT, span), carrier);
const [stored] = await producer.send({
  topic: "report",
  messages: [{ key: "report", value: JSON.stringify(carrier) }],
});
span.end();

const { traceId, spanId } = span.spanContext();
console.log(
  JSON.stringify({ traceId, spanId, partition: stored.partition, offset: Number(stored.baseOffset) }),
);
await producer.disconnect();
process.exit(0);
