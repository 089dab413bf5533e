"""Makes LocalStack run Lambda functions as processes, where it has no Docker: LAMBDA_RUNTIME_EXECUTOR=process."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *_args, **_kwargs):
        from .executor import ProcessExecutor

        return ProcessExecutor
