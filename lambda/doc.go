// Package lambda runs a program's handlers in an AWS Lambda function that SQS
// triggers: the third home beside the pool and the program itself.
//
//	func main() {
//		mux := goflow.NewMux()
//		Confirm.Handle(mux, confirm)
//		handler, err := lambda.NewHandler(queue, records, mux, goflow.DeadLetters(dead))
//		if err != nil {
//			log.Fatal(err)
//		}
//		lambda.Start(handler)
//	}
//
// # What the event source mapping has to be
//
//   - FunctionResponseTypes: ReportBatchItemFailures. Without it Lambda deletes
//     all messages of a batch or none.
//   - The queue's visibility timeout at least six times the function's timeout,
//     plus the batch window
//     (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
//   - maxReceiveCount 1000: GoFlow decides when a task is dead, and throttled
//     invocations count as receives.
//
// The repository's template.yaml has all of it.
//
// # What becomes of a record
//
// A record counts as done, and Lambda deletes its message, when its outcome is
// stored and, if the task is dead, its dead letter is sent. A failed attempt is
// recorded, the message's visibility is set to the backoff, and the record is
// reported as failed, so that Lambda leaves the message. The rest is
// [goflow.BatchWorker]'s: what is late, what is in order, what is suspect.
//
// A function that is out of time is killed with all that it runs. Its deadline
// less a margin ([goflow.Margin]) is therefore when the contexts of its handlers
// end. A task's own timeout is best well below the function's.
//
// # Permissions
//
// Besides those of the adapters, whose Check is not used here, a function needs
// sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on its queue:
// Lambda's poller works in its name.
package lambda
