package main

import (
	azureblobs "github.com/dapr/components-contrib/bindings/azure/blobstorage"
	"github.com/dapr/components-contrib/bindings/localstorage"
	"github.com/dapr/components-contrib/nameresolution/mdns"
	servicebus "github.com/dapr/components-contrib/pubsub/azure/servicebus/topics"
	redisstreams "github.com/dapr/components-contrib/pubsub/redis"
	"github.com/dapr/components-contrib/secretstores/azure/keyvault"
	"github.com/dapr/components-contrib/state/azure/cosmosdb"
	redisstate "github.com/dapr/components-contrib/state/redis"
	"github.com/dapr/components-contrib/state/sqlite"
	"github.com/dapr/dapr/pkg/components/bindings"
	"github.com/dapr/dapr/pkg/components/nameresolution"
	"github.com/dapr/dapr/pkg/components/pubsub"
	"github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/dapr/pkg/components/state"
)

// The components of components/local and components/azure; a test holds these lists together.
func init() {
	state.DefaultRegistry.RegisterComponent(redisstate.NewRedisStateStore, "redis")
	state.DefaultRegistry.RegisterComponent(sqlite.NewSQLiteStateStore, "sqlite")
	state.DefaultRegistry.RegisterComponent(cosmosdb.NewCosmosDBStateStore, "azure.cosmosdb")
	pubsub.DefaultRegistry.RegisterComponent(redisstreams.NewRedisStreams, "redis")
	pubsub.DefaultRegistry.RegisterComponent(servicebus.NewAzureServiceBusTopics, "azure.servicebus.topics")
	bindings.DefaultRegistry.RegisterOutputBinding(localstorage.NewLocalStorage, "localstorage")
	bindings.DefaultRegistry.RegisterOutputBinding(azureblobs.NewAzureBlobStorage, "azure.blobstorage")
	secretstores.DefaultRegistry.RegisterComponent(keyvault.NewAzureKeyvaultSecretStore, "azure.keyvault")
	nameresolution.DefaultRegistry.RegisterComponent(mdns.NewResolver, "mdns")
}
