module example.com/clerksync-snippet

go 1.19

require example.com/clerksync v0.0.0

replace example.com/clerksync => ../../../docs/clients/go
