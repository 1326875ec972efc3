module example.com/clerksync

go 1.19
