package tracing

// Attributes of spans, by the semantic conventions of OpenTelemetry: HTTP (stable), GenAI (development). Their Go package is not used,
// because it has thousands of names, one package a version.
const (
	HTTPMethod = "http.request.method"
	HTTPRoute  = "http.route"
	HTTPStatus = "http.response.status_code"
	URLPath    = "url.path"
	URLFull    = "url.full"
	ServerHost = "server.address"
	ServerPort = "server.port"

	GenAIOperation    = "gen_ai.operation.name"
	GenAIProvider     = "gen_ai.provider.name"
	GenAIModel        = "gen_ai.request.model"
	GenAIMaxTokens    = "gen_ai.request.max_tokens" //nolint:gosec // a name, not a token
	GenAIFinish       = "gen_ai.response.finish_reasons"
	GenAIInput        = "gen_ai.usage.input_tokens"
	GenAIOutput       = "gen_ai.usage.output_tokens"
	GenAICached       = "gen_ai.usage.cache_read.input_tokens"
	GenAITool         = "gen_ai.tool.name"
	GenAIAgent        = "gen_ai.agent.name"
	GenAIConversation = "gen_ai.conversation.id"
)

// Attributes of legwork's own.
const (
	RequestID = "legwork.request_id"
	TaskID    = "legwork.task_id"
	Run       = "legwork.run"
	Try       = "legwork.try"
	Outcome   = "legwork.outcome"
	Operation = "legwork.operation"
	Turn      = "legwork.turn"

	LinkKind      = "legwork.link"
	LinkRunBefore = "run before" // the run of the same task before this one
	LinkRerun     = "rerun"      // the task that is asked again
	LinkFollowUp  = "follow-up"  // the task that is followed up
)
