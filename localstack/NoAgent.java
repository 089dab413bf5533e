import java.lang.instrument.Instrumentation;

/**
 * LocalStack starts DynamoDB Local with its own Java agent, which lifts the limit of 20 indexes a table and is not in
 * any package registry. GoFlow needs no such thing, so this agent takes its place and does nothing.
 */
public final class NoAgent {
    public static void premain(String arguments, Instrumentation instrumentation) {}
}
