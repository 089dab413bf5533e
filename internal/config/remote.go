package config

// served are the settings of goflow server.
func served() []Setting {
	return []Setting{
		{
			Name: "grpc-addr", Default: "127.0.0.1:9090", Allowed: "host:port", Programs: Server,
			Meaning: "where the service answers",
			parse:   textSetting(func(s *Settings) *string { return &s.GRPCAddr }),
		},
		{
			Name: "credentials", Allowed: "a file's path", Programs: Server,
			Meaning: "the tokens and certificates of those who may call, and what they may do: docs/grpc.md; without it everybody " +
				"on this machine may do everything, and an address that others reach is refused",
			parse: textSetting(func(s *Settings) *string { return &s.Credentials }),
		},
		{
			Name: "tls-cert", Allowed: "a file's path", Programs: Server,
			Meaning: "the server's certificate, in PEM",
			parse:   textSetting(func(s *Settings) *string { return &s.TLSCert }),
		},
		{
			Name: "tls-key", Allowed: "a file's path", Programs: Server,
			Meaning: "its key, in PEM",
			parse:   textSetting(func(s *Settings) *string { return &s.TLSKey }),
		},
		{
			Name: "tls-client-ca", Allowed: "a file's path", Programs: Server,
			Meaning: "the authorities whose client certificates count, in PEM",
			parse:   textSetting(func(s *Settings) *string { return &s.TLSClientCA }),
		},
		{
			Name: "reflection", Default: "false", Allowed: "true or false", Programs: Server, isBool: true,
			Meaning: "let callers with the role read ask for the service's methods",
			parse:   boolSetting(func(s *Settings) *bool { return &s.Reflection }),
		},
	}
}

// remote are the settings of who works through a server.
func remote() []Setting {
	return []Setting{
		{
			Name: "server", Allowed: "host:port, several with commas between", Programs: CLI,
			Meaning: "work through goflow server at this address, without AWS; the settings of queues and table are the server's then",
			parse:   textSetting(func(s *Settings) *string { return &s.Server }),
		},
		{
			Name: "token-file", Allowed: "a file's path", Programs: CLI,
			Meaning: "the bearer token for the server, in a file that not everybody on the machine can read",
			parse:   textSetting(func(s *Settings) *string { return &s.TokenFile }),
		},
		{
			Name: "server-ca", Allowed: "a file's path", Programs: CLI,
			Meaning: "the authorities that the server's certificate is judged by, in PEM; the system's unless set",
			parse:   textSetting(func(s *Settings) *string { return &s.ServerCA }),
		},
		{
			Name: "client-cert", Allowed: "a file's path", Programs: CLI,
			Meaning: "this client's certificate for the server, in PEM",
			parse:   textSetting(func(s *Settings) *string { return &s.ClientCert }),
		},
		{
			Name: "client-key", Allowed: "a file's path", Programs: CLI,
			Meaning: "its key, in PEM",
			parse:   textSetting(func(s *Settings) *string { return &s.ClientKey }),
		},
		{
			Name: "plain-text", Default: "false", Allowed: "true or false", Programs: CLI | Server, isBool: true,
			Meaning: "do without TLS even beyond this machine: tokens and payloads can be read on the way",
			parse:   boolSetting(func(s *Settings) *bool { return &s.PlainText }),
		},
	}
}
