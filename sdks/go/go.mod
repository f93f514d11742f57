module github.com/tenlyr/tenlyr-go

go 1.23
