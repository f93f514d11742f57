module github.com/tenlyr/tenlyr-go/examples/go-service

go 1.23

require github.com/tenlyr/tenlyr-go v1.0.0

// Beside the SDK in one repository; a service of your own leaves this out.
replace github.com/tenlyr/tenlyr-go => ../../sdks/go
